// The conditional defaulting rules by kind; the table of their names is in defaults.cc. Internal.
#pragma once
#include "object/value.h"

namespace tiphys::kinds {

void default_container(Arena& arena, Node& node);
void default_ephemeral_container(Arena& arena, Node& node);
void default_pod(Arena& arena, Node& node);
void default_pod_spec(Arena& arena, Node& node);
void default_volume(Arena& arena, Node& node);
void default_replication_controller(Arena& arena, Node& node);
void default_service(Arena& arena, Node& node);
void default_namespace(Arena& arena, Node& node);
void default_node_status(Arena& arena, Node& node);
void default_limit_range_item(Arena& arena, Node& node);

void default_deployment(Arena& arena, Node& node);
void default_daemon_set(Arena& arena, Node& node);
void default_stateful_set(Arena& arena, Node& node);
void default_job(Arena& arena, Node& node);
void default_horizontal_pod_autoscaler(Arena& arena, Node& node);

void default_network_policy(Arena& arena, Node& node);
void default_rbac_subject(Arena& arena, Node& node);
void default_csi_driver(Arena& arena, Node& node);
void default_custom_resource_definition(Arena& arena, Node& node);
void default_exact_device_request(Arena& arena, Node& node);
void default_device_sub_request(Arena& arena, Node& node);

}  // namespace tiphys::kinds
