#include "controllers/node_ipam.h"

#include "base/strings.h"
#include "controllers/resources.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {
namespace {

constexpr int kWorkers = 30;

// A patch: the other controllers of nodes write them at the same time. A range once set is never
// changed: the server refuses.
std::string ranges_patch(const Object& node, const std::vector<std::string>& ranges) {
  return R"({"metadata":{"uid":")" + std::string(metadata(node).uid()) +
         R"("},"spec":{"podCIDR":")" + ranges[0] + R"(","podCIDRs":[")" + join(ranges, R"(",")") +
         R"("]}})";
}

}  // namespace

NodeIpam::NodeIpam(Context context, std::vector<RangePool> pools)
    : Controller(context, "node-ipam-controller", kWorkers),
      pools_(std::move(pools)),
      told_(pools_.size()),
      nodes_(watch(nodes())) {
  event_source_ = "cidrAllocator";
  enqueue_changes(nodes_);
}

// A range belongs to one pool at most, whatever its place in the node.
void NodeIpam::take(const Object& node) {
  std::string name(metadata(node).name());
  for (std::string_view cidr : core_v1::Node(node).spec().pod_cidrs()) {
    for (RangePool& pool : pools_) pool.take(cidr, name);
  }
}

// Every range in use is known before the first one is given out.
void NodeIpam::ready() {
  for (const ObjectPtr& node : nodes_.list()) take(*node);
  tell_pools();
}

void NodeIpam::tell_pools() {
  NodeIpamMetrics& metrics = context_.metrics.node_ipam;
  for (size_t i = 0; i < pools_.size(); ++i) {
    const RangePool& pool = pools_[i];
    auto most = static_cast<double>(pool.size());
    for (; told_[i] < pool.taken(); ++told_[i]) metrics.allocations.with({pool.cidr()}).add();
    for (; told_[i] > pool.taken(); --told_[i]) metrics.releases.with({pool.cidr()}).add();
    metrics.most.with({pool.cidr()}).set(most);
    metrics.usage.with({pool.cidr()}).set(static_cast<double>(told_[i]) / most);
  }
}

std::vector<std::string> NodeIpam::ranges_for(const std::string& node) {
  std::vector<std::string> ranges;
  for (RangePool& pool : pools_) {
    std::optional<std::string> range = pool.range_for(node);
    if (std::optional<uint32_t> passed = pool.passed()) {
      context_.metrics.node_ipam.tries.with({pool.cidr()}).observe(*passed);
    }
    if (!range) {
      for (RangePool& other : pools_) other.give_back(node);
      return {};
    }
    ranges.push_back(*range);
  }
  return ranges;
}

Decision NodeIpam::reconcile(const std::string& key, MicroTime) {
  Decision decision;
  ObjectPtr object = nodes_.get("", key);
  if (!object) {
    for (RangePool& pool : pools_) pool.give_back(key);
    return decision;
  }
  if (!core_v1::Node(*object).spec().pod_cidr().empty()) {
    take(*object);
    return decision;
  }
  std::vector<std::string> ranges = ranges_for(key);
  if (ranges.empty()) {
    decision.add(note_action(object, "Normal", "CIDRNotAvailable",
                             "Node " + key + " status is now: CIDRNotAvailable"));
    decision.look_again_in(std::chrono::minutes(1));
    return decision;
  }
  decision.add(patch_action(nodes_.resource(), object, ranges_patch(*object, ranges)));
  return decision;
}

}  // namespace tiphys::controllers
