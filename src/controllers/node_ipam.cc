#include "controllers/node_ipam.h"

#include <arpa/inet.h>

#include "base/strings.h"
#include "controllers/resources.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {
namespace {

constexpr int kWorkers = 30;

struct Range {
  uint32_t base = 0;
  int bits = 0;
};

std::optional<Range> parse_range(std::string_view cidr) {
  size_t slash = cidr.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::string address(cidr.substr(0, slash));
  std::optional<int64_t> bits = parse_int(cidr.substr(slash + 1));
  in_addr parsed;
  if (!bits || *bits < 1 || *bits > 32 || inet_pton(AF_INET, address.c_str(), &parsed) != 1) {
    return std::nullopt;
  }
  uint32_t mask = ~uint32_t{0} << (32 - *bits);
  return Range{ntohl(parsed.s_addr) & mask, static_cast<int>(*bits)};
}

}  // namespace

Result<RangePool> RangePool::create(std::string_view cidr, int node_bits) {
  std::optional<Range> range = parse_range(cidr);
  if (!range) return ApiStatus::bad_request("invalid CIDR address: " + std::string(cidr));
  if (node_bits < range->bits || node_bits > 30 || node_bits - range->bits > 16) {
    return ApiStatus::bad_request("--node-cidr-mask-size " + std::to_string(node_bits) +
                                  " does not fit --cluster-cidr " + std::string(cidr));
  }
  RangePool pool;
  pool.cidr_ = cidr;
  pool.base_ = range->base;
  pool.node_bits_ = node_bits;
  pool.count_ = uint32_t{1} << (node_bits - range->bits);
  return pool;
}

// Two ranges overlap if the smaller one lies in the larger one.
Result<void> RangePool::reserve(std::string_view cidr) {
  std::optional<Range> range = parse_range(cidr);
  if (!range) return ApiStatus::bad_request("invalid CIDR address: " + std::string(cidr));
  uint64_t first = range->base, last = first + (uint64_t{1} << (32 - range->bits)) - 1;
  uint64_t start = base_, size = uint64_t{1} << (32 - node_bits_);
  for (uint32_t number = 0; number < count_; ++number, start += size) {
    if (start <= last && first <= start + size - 1) taken_.try_emplace(number, "");
  }
  return {};
}

bool RangePool::take(std::string_view cidr, const std::string& node) {
  std::optional<Range> range = parse_range(cidr);
  if (!range || range->bits != node_bits_ || range->base < base_) return false;
  uint32_t number = (range->base - base_) >> (32 - node_bits_);
  if (number >= count_) return false;
  taken_.try_emplace(number, node);
  return true;
}

std::string RangePool::text_of(uint32_t number) const {
  in_addr address{htonl(base_ + (number << (32 - node_bits_)))};
  char text[INET_ADDRSTRLEN];
  return std::string(inet_ntop(AF_INET, &address, text, sizeof text)) + "/" +
         std::to_string(node_bits_);
}

std::optional<std::string> RangePool::range_for(const std::string& node) {
  passed_.reset();
  for (const auto& [number, owner] : taken_) {
    if (owner == node) return text_of(number);
  }
  if (taken_.size() >= count_) return std::nullopt;
  uint32_t free = next_, passed = 0;
  for (; taken_.contains(free); free = (free + 1) % count_) ++passed;
  next_ = (free + 1) % count_;
  passed_ = passed;
  taken_.emplace(free, node);
  return text_of(free);
}

void RangePool::give_back(const std::string& node) {
  std::erase_if(taken_, [&node](const auto& entry) { return entry.second == node; });
}

NodeIpam::NodeIpam(Context context, RangePool pool)
    : Controller(context, "node-ipam-controller", kWorkers),
      pool_(std::move(pool)),
      nodes_(watch(nodes())) {
  event_source_ = "cidrAllocator";
  enqueue_changes(nodes_);
}

// Every range in use is known before the first one is given out.
void NodeIpam::ready() {
  for (const ObjectPtr& node : nodes_.list()) {
    std::string name(metadata(*node).name());
    for (std::string_view cidr : core_v1::Node(*node).spec().pod_cidrs()) pool_.take(cidr, name);
  }
  tell_pool();
}

void NodeIpam::tell_pool() {
  NodeIpamMetrics& metrics = context_.metrics.node_ipam;
  const std::string& cidr = pool_.cidr();
  auto most = static_cast<double>(pool_.size());
  for (; told_ < pool_.taken(); ++told_) metrics.allocations.with({cidr}).add();
  for (; told_ > pool_.taken(); --told_) metrics.releases.with({cidr}).add();
  metrics.most.with({cidr}).set(most);
  metrics.usage.with({cidr}).set(static_cast<double>(told_) / most);
}

Decision NodeIpam::reconcile(const std::string& key, MicroTime) {
  Decision decision;
  ObjectPtr object = nodes_.get("", key);
  if (!object) {
    pool_.give_back(key);
    return decision;
  }
  core_v1::Node node(*object);
  if (!node.spec().pod_cidr().empty()) {
    for (std::string_view cidr : node.spec().pod_cidrs()) pool_.take(cidr, key);
    return decision;
  }
  std::optional<std::string> range = pool_.range_for(key);
  if (std::optional<uint32_t> passed = pool_.passed()) {
    context_.metrics.node_ipam.tries.with({pool_.cidr()}).observe(*passed);
  }
  if (!range) {
    decision.add(note_action(object, "Normal", "CIDRNotAvailable",
                             "Node " + key + " status is now: CIDRNotAvailable"));
    decision.look_again_in(std::chrono::minutes(1));
    return decision;
  }
  // A patch: the other controllers of nodes write them at the same time. A range once set is never
  // changed: the server refuses.
  decision.add(patch_action(nodes_.resource(), object,
                            R"({"metadata":{"uid":")" + std::string(metadata(*object).uid()) +
                                R"("},"spec":{"podCIDR":")" + *range + R"(","podCIDRs":[")" +
                                *range + R"("]}})"));
  return decision;
}

}  // namespace tiphys::controllers
