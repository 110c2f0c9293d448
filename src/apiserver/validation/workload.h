// Validation of the workload kinds (pkg/apis/apps/validation upstream, v1.35). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/apps_v1.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

void validate_deployment(apps_v1::Deployment deployment, FieldErrors& errors);
void validate_deployment_update(apps_v1::Deployment deployment, apps_v1::Deployment old,
                                FieldErrors& errors);
void validate_replica_set(apps_v1::ReplicaSet replica_set, FieldErrors& errors);
void validate_replica_set_update(apps_v1::ReplicaSet replica_set, apps_v1::ReplicaSet old,
                                 FieldErrors& errors);
void validate_daemon_set(apps_v1::DaemonSet daemon_set, FieldErrors& errors);
void validate_stateful_set(apps_v1::StatefulSet stateful_set, FieldErrors& errors);
void validate_replication_controller(core_v1::ReplicationController controller,
                                     FieldErrors& errors);

}  // namespace tiphys::apiserver
