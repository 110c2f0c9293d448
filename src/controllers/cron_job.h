// The CronJob controller: Jobs on a schedule. What is to do is found by cron_job_plan.h.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
#pragma once
#include "controllers/controller.h"
#include "controllers/cron_job_plan.h"
#include "controllers/time_zone_files.h"

namespace tiphys::controllers {

class CronJobController : public Controller {
 public:
  // `local_zone_file`: the time zone of schedules that name none; "": UTC.
  CronJobController(Context context, std::string local_zone_file);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  void cron_job_changed(const ObjectPtr& old, const ObjectPtr& now);
  void enqueue_owner_of(const Object& job);
  CronJobWorld world_of(const std::string& key, const ObjectPtr& owner);
  CronJobMemory& memory_of(const std::string& key, const Object& owner);

  client::Informer& cron_jobs_;
  client::Informer& jobs_;
  TimeZoneFiles zones_;
  std::unordered_map<std::string, CronJobMemory> memory_;
};

}  // namespace tiphys::controllers
