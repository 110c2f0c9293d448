// The Job controller: pods that run to their end, as often as the Job asks, each counted once.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/
#pragma once
#include "controllers/controller.h"
#include "controllers/job_plan.h"

namespace tiphys::controllers {

class JobController : public Controller {
 public:
  explicit JobController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void decided(const std::string& key, const Decision& decision) override;
  void round_over(const std::string& key, Duration took, const ApiStatus* error) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  void job_changed(const ObjectPtr& old, const ObjectPtr& now);
  void pod_changed(const ObjectPtr& old, const ObjectPtr& now);
  void wake_jobs_of(const Object& pod, Duration delay);
  void wake_adopters(const Object& pod);
  void wake_tracked_pods(const Object& job);
  // The Job that controls the pod; null: none does.
  ObjectPtr job_of(const Object& pod) const;
  Decision reconcile_job(const ObjectPtr& job, MicroTime now);
  void forget(const Object& job);
  Decision release_orphan(std::string_view pod_key) const;
  void count_tracked(const ObjectPtr& old, const ObjectPtr& now);
  void count_status(const Object& before, const Object& after);

  client::Informer& jobs_;
  client::Informer& pods_;
  // A status that is being written.
  struct Planned {
    JobBackOff back_off;
    ObjectPtr before;
  };
  // By uid of the Job.
  std::unordered_map<std::string, JobBackOff> back_offs_;  // of those that are not finished
  std::unordered_map<std::string, Planned> planned_;
  std::unordered_map<std::string, std::string> rounds_;  // by key: what is done, for metrics
};

}  // namespace tiphys::controllers
