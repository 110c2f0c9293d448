// The DaemonSet controller: a pod on every node that should have one. What it decides is in
// daemon_plan.h.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
#pragma once
#include "controllers/controller.h"
#include "controllers/failure_back_off.h"

namespace tiphys::controllers {

class DaemonSetController : public Controller {
 public:
  explicit DaemonSetController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  void owned_changed(const Object& object);
  void node_changed(const ObjectPtr& old, const ObjectPtr& now);

  client::Informer& daemon_sets_;
  client::Informer& revisions_;
  client::Informer& pods_;
  client::Informer& nodes_;
  FailureBackOff failed_;
};

}  // namespace tiphys::controllers
