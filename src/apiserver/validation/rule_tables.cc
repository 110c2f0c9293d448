// The names that rows of api/v1.35/validation.json use.
#include "apiserver/validation/rule_calls.h"

namespace tiphys::apiserver {
namespace {

struct CallRow {
  std::string_view name;
  RuleCall call;
};

constexpr CallRow kCalls[] = {
    {"absolute_path", call_absolute_path},
    {"azure_disk_uri", call_azure_disk_uri},
    {"claim_template", call_claim_template},
    {"cluster_subjects", call_cluster_subjects},
    {"csi_driver_name", call_csi_driver_name},
    {"csi_secret", call_csi_secret},
    {"downward_files", call_downward_files},
    {"empty_dir_size", call_empty_dir_size},
    {"endpoint_ip", call_endpoint_ip},
    {"endpoint_subset", call_endpoint_subset},
    {"fc", call_fc},
    {"flex_options", call_flex_options},
    {"flocker", call_flocker},
    {"http_headers", call_http_headers},
    {"iscsi", call_iscsi},
    {"label_selector", call_label_selector},
    {"local_path", call_local_path},
    {"no_backsteps", call_no_backsteps},
    {"not_decremented", call_not_decremented},
    {"persistent_iscsi", call_persistent_iscsi},
    {"policy_rule", call_policy_rule},
    {"port_reference", call_port_reference},
    {"priority_value", call_priority_value},
    {"priority_value_kept", call_priority_value_kept},
    {"quobyte", call_quobyte},
    {"relative_path", call_relative_path},
    {"set_not_empty", call_set_not_empty},
    {"within_ready_replicas", call_within_ready_replicas},
    {"within_status_ready_replicas", call_within_status_ready_replicas},
    {"within_status_replicas", call_within_status_replicas},
};

struct FormatRow {
  std::string_view name;
  RuleFormat check;
};

constexpr FormatRow kFormats[] = {
    {"dns1035-label", check_dns1035_label},
    {"dns1123-label", check_dns1123_label},
    {"dns1123-subdomain", check_dns1123_subdomain},
    {"ip", check_ip},
    {"label-value", check_label_value},
    {"path-segment", check_path_segment},
    {"port-name", check_port_name},
    {"qualified-name", check_qualified_name},
};

}  // namespace

RuleCall find_rule_call(std::string_view name) {
  for (const CallRow& row : kCalls) {
    if (row.name == name) return row.call;
  }
  return nullptr;
}

RuleFormat find_rule_format(std::string_view name) {
  for (const FormatRow& row : kFormats) {
    if (row.name == name) return row.check;
  }
  return nullptr;
}

}  // namespace tiphys::apiserver
