// Rules of networking.k8s.io that are no rows, Ingress aside (pkg/apis/networking/validation).
#include "apiserver/validation/checks.h"
#include "apiserver/validation/ip_checks.h"
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kPolicyTypes = 2;
constexpr std::string_view kSupportedPolicyTypes[] = {"Ingress", "Egress"};
constexpr size_t kMaxServiceCidrs = 2;

}  // namespace

void call_network_policy_port(const RuleInput& input, FieldErrors& errors) {
  networking_v1::NetworkPolicyPort port(input.value.as_node());
  FieldPath end = input.path.child("endPort");
  const Value& value = port.port();
  if (value.type == ValueType::kInt) {
    check_number(check_port_number(value.as_int()), value.as_int(), input.path.child("port"),
                 errors);
    if (!port.has_end_port()) return;
    if (port.end_port() < value.as_int()) {
      errors.invalid(end, value.as_int(), "must be greater than or equal to `port`");
    }
    check_number(check_port_number(port.end_port()), port.end_port(), end, errors);
    return;
  }
  if (port.has_end_port()) {
    errors.invalid(end, port.end_port(),
                   value.is_null() ? "may not be specified when `port` is not specified"
                                   : "may not be specified when `port` is non-numeric");
  }
  if (value.is_null()) return;
  errors.invalid_all(input.path.child("port"), value.as_text(), check_port_name(value.as_text()));
}

void call_ip_block(const RuleInput& input, FieldErrors& errors) {
  networking_v1::IPBlock block(input.value.as_node());
  FieldPath path = input.path.child("cidr");
  if (block.cidr().empty()) return errors.required(path);
  errors.invalid_all(path, block.cidr(), check_cidr(block.cidr()));
  std::optional<IpPrefix> cidr = parse_cidr(block.cidr());
  if (!cidr) return;
  for (size_t i = 0; i < block.except().size(); ++i) {
    std::string_view text = block.except()[i];
    FieldPath at = input.path.child("except").index(i);
    errors.invalid_all(at, text, check_cidr(text));
    std::optional<IpPrefix> except = parse_cidr(text);
    if (!except) continue;
    if (!contains(*cidr, except->address) || cidr->bits >= except->bits) {
      errors.invalid(at, text, "must be a strict subset of `cidr`");
    }
  }
}

void call_policy_types(const RuleInput& input, FieldErrors& errors) {
  ListView<std::string_view> types(input.value.as_node());
  if (types.size() > kPolicyTypes) {
    errors.invalid_raw(input.path, printed_value(*input.field, input.value),
                       "may not specify more than two policyTypes");
    return;
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] == "Ingress" || types[i] == "Egress") continue;
    errors.not_supported_raw(input.path.index(i), go_quote(types[i]), kSupportedPolicyTypes);
  }
}

void call_service_cidrs(const RuleInput& input, FieldErrors& errors) {
  ListView<std::string_view> cidrs(input.value.as_node());
  if (cidrs.empty()) return errors.required(input.path, "at least one CIDR required");
  std::string printed = printed_value(*input.field, input.value);
  if (cidrs.size() > kMaxServiceCidrs) {
    return errors.invalid_raw(input.path, printed, "may only hold up to 2 values");
  }
  std::vector<std::optional<IpPrefix>> parsed;
  for (size_t i = 0; i < cidrs.size(); ++i) {
    errors.invalid_all(input.path.index(i), cidrs[i], check_strict_cidr(cidrs[i]));
    parsed.push_back(parse_cidr(cidrs[i]));
  }
  bool both = parsed.size() == kMaxServiceCidrs && parsed[0] && parsed[1];
  if (both && parsed[0]->address.v6 == parsed[1]->address.v6) {
    errors.invalid_raw(input.path, printed,
                       "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and "
                       "2001:db8::/64");
  }
}

// What is there stays; a second one may be added.
void call_service_cidrs_kept(const RuleInput& input, FieldErrors& errors) {
  ListView<std::string_view> now(input.value.as_node());
  ListView<std::string_view> old(input.old.as_node());
  bool grown = old.size() == 1 && now.size() == kMaxServiceCidrs;
  if (now.size() != old.size() && !grown) {
    errors.invalid_raw(input.path, printed_value(*input.field, input.value), "field is immutable");
    return;
  }
  for (size_t i = 0; i < old.size(); ++i) {
    if (now[i] != old[i]) errors.invalid(input.path.index(i), now[i], "field is immutable");
  }
  if (grown) call_service_cidrs(input, errors);
}

}  // namespace tiphys::apiserver
