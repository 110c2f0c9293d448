// The default rules of single kinds; kind_defaults.cc holds the table. Pure.
#pragma once
#include "apiserver/registry/kind_defaults.h"

namespace tiphys::apiserver {

void default_pod(core_v1::PodEdit pod);
void default_claim(core_v1::PersistentVolumeClaimEdit claim);

void default_deployment(Draft& draft);
void default_replica_set(Draft& draft);
void default_daemon_set(Draft& draft);
void default_stateful_set(Draft& draft);
void default_job(Draft& draft);
void default_cron_job(Draft& draft);
void default_hpa_v2(Draft& draft);
void default_hpa_v1(Draft& draft);

void default_service(Draft& draft);
void default_secret(Draft& draft);
void default_namespace(Draft& draft);
void default_node(Draft& draft);
void default_persistent_volume(Draft& draft);
void default_replication_controller(Draft& draft);
void default_limit_range(Draft& draft);
void default_endpoints(Draft& draft);

void default_network_policy(Draft& draft);
void default_ingress_class(Draft& draft);
void default_endpoint_slice(Draft& draft);
void default_role_binding(Draft& draft);
void default_cluster_role_binding(Draft& draft);
void default_storage_class(Draft& draft);
void default_csi_driver(Draft& draft);
void default_priority_class(Draft& draft);
void default_validating_webhooks(Draft& draft);
void default_mutating_webhooks(Draft& draft);
void default_flow_schema(Draft& draft);
void default_api_service(Draft& draft);

}  // namespace tiphys::apiserver
