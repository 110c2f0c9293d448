// The names that rows of api/v1.35/validation.json use.
#include "apiserver/validation/rule_calls.h"

namespace tiphys::apiserver {
namespace {

struct CallRow {
  std::string_view name;
  RuleCall call;
};

constexpr CallRow kCalls[] = {
    {"cluster_subjects", call_cluster_subjects},
    {"label_selector", call_label_selector},
    {"policy_rule", call_policy_rule},
    {"priority_value", call_priority_value},
    {"priority_value_kept", call_priority_value_kept},
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
