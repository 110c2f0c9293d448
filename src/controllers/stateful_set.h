// The StatefulSet controller. What it decides is in stateful_set_plan.h.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class StatefulSetController : public Controller {
 public:
  explicit StatefulSetController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void decided(const std::string& key, const Decision& decision) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  void dependent_changed(const Object& dependent);
  void pod_gone(const Object& pod);
  void claim_changed(const Object& claim);
  void set_gone(const Object& set);

  client::Informer& sets_;
  client::Informer& pods_;
  client::Informer& claims_;
  client::Informer& revisions_;
};

}  // namespace tiphys::controllers
