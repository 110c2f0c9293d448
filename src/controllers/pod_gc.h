// PodGc: deletes pods that nobody else will: those bound to nodes that are gone, those that are
// being deleted and were never scheduled or stand on a node that is out of service, and finished
// ones beyond a threshold. What has not ended is marked Failed first, so that its controller sees
// it. Source:
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection and
// upstream's pkg/controller/podgc.
#pragma once
#include <map>
#include <set>

#include "controllers/controller.h"

namespace tiphys::controllers {

class PodGc : public Controller {
 public:
  struct Options {
    int64_t terminated_threshold = 12500;  // --terminated-pod-gc-threshold; 0 or less: none
    Duration period = std::chrono::seconds(20);
    Duration quarantine = std::chrono::seconds(40);  // a node must be gone for so long
  };
  PodGc(Context context, Options options);

 protected:
  // A round looks at all pods and enqueues those that have to go, each by its own key: what can't
  // be deleted does not keep the others.
  Decision reconcile(const std::string& key, MicroTime now) override;
  Task<Result<void>> sync(std::string key) override;
  void ready() override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  enum class Reason : uint8_t { kTerminated, kOutOfService, kOrphaned, kUnscheduled };
  static std::string_view tag_of(Reason reason);
  void doom(const ObjectPtr& pod, Reason reason);
  void look_for_finished();
  void look_for_missing_nodes();
  // Asks the server about nodes that were missing for long enough: the cache may lag.
  Task<Result<void>> confirm_missing_nodes();
  std::optional<Reason> reason_for(const Object& pod) const;
  Decision collect(const std::string& key, MicroTime now) const;

  Options options_;
  client::Informer& pods_;
  client::Informer& nodes_;
  std::map<std::string, MonoTime, std::less<>> missing_since_;  // nodes that pods name
  std::set<std::string, std::less<>> gone_;                     // those that the server lacks, too
  std::map<std::string, Reason, std::less<>> doomed_;           // uids of the last round
};

}  // namespace tiphys::controllers
