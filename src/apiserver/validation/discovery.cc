// Rules of discovery.k8s.io that are no rows (pkg/apis/discovery/validation).
#include <set>

#include "apiserver/validation/checks.h"
#include "apiserver/validation/ip_checks.h"
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "kinds/discovery_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxHints = 8;

// At least two labels; a final dot is allowed.
void validate_domain(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) return errors.required(path);
  if (name.ends_with('.')) name.remove_suffix(1);
  Messages messages = check_dns1123_subdomain(name);
  if (!messages.empty()) return errors.invalid(path, name, messages.front());
  std::vector<std::string_view> labels = split(name, '.');
  if (labels.size() < 2) {
    errors.invalid(path, name, "should be a domain with at least two segments separated by dots");
    return;
  }
  for (std::string_view label : labels) {
    Messages problems = check_dns1123_label(label);
    if (!problems.empty()) return errors.invalid(path, label, problems.front());
  }
}

}  // namespace

// Of any address type that is known.
void call_endpoint_address(const RuleInput& input, FieldErrors& errors) {
  std::string_view type = discovery_v1::EndpointSlice(input.scope.object).address_type();
  std::string_view address = input.value.as_text();
  if (type == "IPv4") {
    errors.invalid_all(input.path, address, check_ipv4(address));
    check_endpoint_ip(address, input.path, errors);
  } else if (type == "IPv6") {
    errors.invalid_all(input.path, address, check_ipv6(address));
    check_endpoint_ip(address, input.path, errors);
  } else if (type == "IP") {
    errors.invalid_all(input.path, address, check_ip(address));
  } else if (type == "FQDN") {
    validate_domain(address, input.path, errors);
  }
}

void call_endpoint_zone_hints(const RuleInput& input, FieldErrors& errors) {
  ListView<discovery_v1::ForZone> zones(input.value.as_node());
  if (zones.size() > kMaxHints) {
    return errors.too_many(input.path, static_cast<int>(zones.size()), kMaxHints);
  }
  std::set<std::string_view> seen;
  for (size_t i = 0; i < zones.size(); ++i) {
    FieldPath path = input.path.index(i).child("name");
    if (!seen.insert(zones[i].name()).second) errors.duplicate(path, zones[i].name());
    errors.invalid_all(path, zones[i].name(), check_label_value(zones[i].name()));
  }
}

void call_endpoint_node_hints(const RuleInput& input, FieldErrors& errors) {
  ListView<discovery_v1::ForNode> nodes(input.value.as_node());
  if (nodes.size() > kMaxHints) {
    return errors.too_many(input.path, static_cast<int>(nodes.size()), kMaxHints);
  }
  std::set<std::string_view> seen;
  for (size_t i = 0; i < nodes.size(); ++i) {
    FieldPath path = input.path.index(i).child("name");
    if (!seen.insert(nodes[i].name()).second) errors.duplicate(path, nodes[i].name());
    errors.invalid_all(path, nodes[i].name(), check_dns1123_subdomain(nodes[i].name()));
  }
}

}  // namespace tiphys::apiserver
