#include "apiserver/validation/node_object.h"

#include "apiserver/validation/affinity.h"
#include "apiserver/validation/checks.h"
#include "apiserver/validation/resource_names.h"
#include "apiserver/validation/rules.h"
#include "codec/codec.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxPodCidrs = 2;

void validate_amounts(core_v1::NodeStatus status, FieldErrors& errors) {
  FieldPath path("status");
  for (auto [name, amount] : status.capacity()) {
    check_resource_amount(name, amount, path.child("capacity").child(name), errors);
  }
  for (auto [name, amount] : status.allocatable()) {
    check_resource_amount(name, amount, path.child("allocatable").child(name), errors);
  }
}

void validate_pod_cidrs(core_v1::NodeSpec spec, FieldErrors& errors) {
  FieldPath path("spec.podCIDRs");
  auto ranges = spec.pod_cidrs();
  size_t wide = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    std::optional<IpPrefix> prefix = parse_cidr(ranges[i]);
    if (prefix && prefix->address.v6) ++wide;
    errors.invalid_all(path.index(i), ranges[i], check_cidr(ranges[i]));
  }
  if (ranges.size() < 2) return;
  if (wide > 0 && wide < ranges.size() && ranges.size() <= kMaxPodCidrs) return;
  errors.invalid_raw(path,
                     printed_field(core_v1::NodeSpec::message_type(), spec.node(), "podCIDRs"),
                     "may specify no more than one CIDR for each IP family");
}

void validate_addresses(core_v1::NodeStatus status, FieldErrors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (size_t i = 0; i < status.addresses().size(); ++i) {
    core_v1::NodeAddress address = status.addresses()[i];
    if (seen.insert({address.type(), address.address()}).second) continue;
    std::string json;
    codec::encode_json(core_v1::NodeAddress::message_type(), address.node(), json);
    errors.duplicate_raw(FieldPath("status.addresses").index(i), json);
  }
}

bool same_list(const ListView<std::string_view>& a, const ListView<std::string_view>& b) {
  return std::ranges::equal(a, b);
}

void validate_kept(core_v1::NodeSpec now, core_v1::NodeSpec before, FieldErrors& errors) {
  if (!before.pod_cidrs().empty() && !same_list(now.pod_cidrs(), before.pod_cidrs())) {
    errors.forbidden(FieldPath("spec.podCIDRs"),
                     "node updates may not change podCIDR except from \"\" to valid");
  }
  if (!before.provider_id().empty() && now.provider_id() != before.provider_id()) {
    errors.forbidden(FieldPath("spec.providerID"),
                     "node updates may not change providerID except from \"\" to valid");
  }
}

void validate_swap(core_v1::NodeSwapStatus swap, FieldErrors& errors) {
  if (!swap.has_capacity()) return;
  check_positive(swap.capacity(), FieldPath("metadata.nodeSwapStatus.capacity"), errors);
}

}  // namespace

void validate_node(core_v1::Node node, const core_v1::Node* old, FieldErrors& errors) {
  // Upstream has taints and swap under metadata.
  FieldPath taints("metadata.taints");
  if (!old) {
    validate_taints(node.spec().taints(), taints, errors);
    validate_amounts(node.status(), errors);
    validate_swap(node.status().node_info().swap(), errors);
    validate_pod_cidrs(node.spec(), errors);
    return;
  }
  validate_amounts(node.status(), errors);
  validate_addresses(node.status(), errors);
  validate_kept(node.spec(), old->spec(), errors);
  validate_taints(node.spec().taints(), taints, errors);
  if (node.spec().external_id() == old->spec().external_id()) return;
  errors.forbidden(FieldPath("spec.externalID"), "may not be updated");
}

}  // namespace tiphys::apiserver
