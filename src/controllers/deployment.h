// The Deployment controller. What it decides is in deployment_plan.h.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class DeploymentController : public Controller {
 public:
  explicit DeploymentController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  void replica_set_changed(const Object& replica_set);
  void pod_gone(const Object& pod);

  client::Informer& deployments_;
  client::Informer& replica_sets_;
  client::Informer& pods_;
  std::unordered_map<std::string, std::string> create_errors_;
};

}  // namespace tiphys::controllers
