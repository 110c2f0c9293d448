#include "kubelet/hollow/hollow_node.h"

#include <cmath>

#include "kinds/coordination_v1.h"
#include "kinds/metadata.h"

namespace tiphys::kubelet {
namespace {

constexpr double kGoldenRatio = 0.6180339887498949;  // its multiples fill a circle evenly
constexpr int64_t kJitterPercent = 4;                // pkg/kubelet: leases' JitterFactor 0.04

}  // namespace

Duration spread(size_t number, Duration period) {
  double whole = 0;
  double part = std::modf(static_cast<double>(number) * kGoldenRatio, &whole);
  return Duration(static_cast<int64_t>(part * static_cast<double>(period.count())));
}

Duration jittered(Duration period, Random& random) {
  auto bound = static_cast<uint64_t>(period.count() * kJitterPercent / 100 + 1);
  return period + Duration(static_cast<int64_t>(random.below(bound)));
}

std::string hollow_address(size_t number) {
  size_t n = number % kMaxHollowNodes + 1;
  return "198." + std::to_string(18 + (n >> 16)) + "." + std::to_string(n >> 8 & 255) + "." +
         std::to_string(n & 255);
}

ObjectPtr renewed_lease(const HollowNode& node, const Object* known, int64_t seconds,
                        MicroTime now) {
  Draft draft = known ? Draft(*known) : coordination_v1::Lease::make();
  coordination_v1::LeaseEdit lease(draft);
  lease.edit_spec().set_holder_identity(node.name);
  lease.edit_spec().set_lease_duration_seconds(static_cast<int32_t>(seconds));
  lease.edit_spec().set_renew_time(now);
  if (known || !node.object) return draft.freeze();
  lease.edit_metadata().set_name(node.name);
  lease.edit_metadata().set_namespace("kube-node-lease");
  meta_v1::OwnerReferenceEdit owner = lease.edit_metadata().edit_owner_references().append();
  owner.set_api_version("v1");
  owner.set_kind("Node");
  owner.set_name(node.name);
  owner.set_uid(uid_of(*node.object));
  return draft.freeze();
}

Options options_of(const HollowNode& node, const Options& shared) {
  Options options = shared;
  options.node_name = node.name;
  options.eviction_hard.clear();  // this machine never fills up
  for (const auto& [key, value] : node.labels) options.node_labels[key] = value;
  return options;
}

NodeFacts facts_of(const HollowNode& node, const NodeFacts& shared, MicroTime now) {
  NodeFacts facts = shared;
  facts.addresses = {node.address};
  facts.machine.machine_id = node.name;
  facts.machine.system_uuid = node.name;
  facts.now = now;
  return facts;
}

}  // namespace tiphys::kubelet
