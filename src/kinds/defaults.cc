#include "kinds/defaults.h"

#include "kinds/default_rules.h"

namespace tiphys::kinds {
namespace {

struct Row {
  std::string_view name;
  schema::DefaultRule rule;
};

constexpr Row kRules[] = {
    {"container", default_container},
    {"ephemeral_container", default_ephemeral_container},
    {"pod", default_pod},
    {"pod_spec", default_pod_spec},
    {"volume", default_volume},
    {"service", default_service},
    {"replication_controller", default_replication_controller},
    {"namespace", default_namespace},
    {"node_status", default_node_status},
    {"limit_range_item", default_limit_range_item},
    {"deployment", default_deployment},
    {"daemon_set", default_daemon_set},
    {"stateful_set", default_stateful_set},
    {"job", default_job},
    {"horizontal_pod_autoscaler", default_horizontal_pod_autoscaler},
    {"network_policy", default_network_policy},
    {"rbac_subject", default_rbac_subject},
    {"csi_driver", default_csi_driver},
    {"custom_resource_definition", default_custom_resource_definition},
    {"exact_device_request", default_exact_device_request},
    {"device_sub_request", default_device_sub_request},
};

}  // namespace

schema::DefaultRule find_default_rule(std::string_view name) {
  for (const Row& row : kRules) {
    if (row.name == name) return row.rule;
  }
  return nullptr;
}

void apply_defaults(Draft& draft) {
  schema::apply_defaults(draft.type(), draft.arena(), draft.root(), find_default_rule);
}

}  // namespace tiphys::kinds
