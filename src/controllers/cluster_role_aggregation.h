// ClusterRoleAggregation: the rules of a ClusterRole with an aggregationRule are those of the
// ClusterRoles that it selects, by name, each rule once.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class ClusterRoleAggregation : public Controller {
 public:
  explicit ClusterRoleAggregation(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& roles_;
};

}  // namespace tiphys::controllers
