// PodGc: deletes pods that nobody else will: those bound to nodes that are gone, those that were
// being deleted before they were scheduled, and finished ones beyond a threshold. Source:
// k8s.io/kubernetes pkg/controller/podgc.
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class PodGc : public Controller {
 public:
  struct Options {
    size_t terminated_threshold = 12500;  // --terminated-pod-gc-threshold; 0: none
    Duration period = std::chrono::seconds(20);
    Duration quarantine = std::chrono::seconds(40);  // a node must be gone for so long
  };
  PodGc(Context context, Options options);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void ready() override;

 private:
  void collect_orphans(Decision& decision, MicroTime now);
  void collect_unscheduled(Decision& decision) const;
  void collect_finished(Decision& decision) const;

  Options options_;
  client::Informer& pods_;
  client::Informer& nodes_;
  std::map<std::string, MonoTime, std::less<>> missing_since_;  // nodes that pods name
};

}  // namespace tiphys::controllers
