// Strategies of the apps group: each kind is checked as a whole, against the old one at an update.
#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/registry/strategies/whole_object.h"
#include "apiserver/validation/workload.h"

namespace tiphys::apiserver {

Strategy deployment_strategy() { return whole_object<apps_v1::Deployment, validate_deployment>(); }

Strategy replica_set_strategy() {
  return whole_object<apps_v1::ReplicaSet, validate_replica_set>();
}

Strategy daemon_set_strategy() { return whole_object<apps_v1::DaemonSet, validate_daemon_set>(); }

Strategy stateful_set_strategy() {
  return whole_object<apps_v1::StatefulSet, validate_stateful_set>();
}

}  // namespace tiphys::apiserver
