#include "controllers/range_pool.h"

#include "base/strings.h"
#include "kinds/ip_range.h"

namespace tiphys::controllers {
namespace {

constexpr int kNodeBitsV4 = 24;
constexpr int kNodeBitsV6 = 64;
constexpr int kMaxPoolBits = 16;  // upstream's limit for IPv6
constexpr size_t kMaxClusterCidrs = 2;

ApiStatus refused(const std::string& why) { return ApiStatus::bad_request(why); }

Result<IpPrefix> parse_range(std::string_view cidr) {
  std::optional<IpPrefix> prefix = parse_cidr(cidr);
  if (!prefix || prefix->bits > address_bits(prefix->address.v6)) {
    return refused("failed to parse cidr value:" + go_quote(cidr) +
                   " with error:invalid CIDR address: " + std::string(cidr));
  }
  return IpPrefix{masked(*prefix), prefix->bits};
}

struct MaskSizes {
  int v4 = kNodeBitsV4;
  int v6 = kNodeBitsV6;
};

Result<MaskSizes> mask_sizes(const RangeOptions& options, bool dual, bool v6) {
  int both = options.node_cidr_mask_size;
  int only_v4 = options.node_cidr_mask_size_ipv4;
  int only_v6 = options.node_cidr_mask_size_ipv6;
  if (dual && both != 0) {
    return refused("usage of --node-cidr-mask-size is not allowed with dual-stack clusters");
  }
  if (both != 0 && (only_v4 != 0 || only_v6 != 0)) {
    return refused(
        "usage of --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6 is not allowed if "
        "--node-cidr-mask-size is set. For dual-stack clusters please unset it and use IPFamily "
        "specific flags");
  }
  if (both != 0) return MaskSizes{both, both};
  if (!dual && v6 && only_v4 != 0) {
    return refused(
        "usage of --node-cidr-mask-size-ipv4 is not allowed for a single-stack IPv6 cluster");
  }
  if (!dual && !v6 && only_v6 != 0) {
    return refused(
        "usage of --node-cidr-mask-size-ipv6 is not allowed for a single-stack IPv4 cluster");
  }
  MaskSizes sizes;
  if (only_v4 != 0) sizes.v4 = only_v4;
  if (only_v6 != 0) sizes.v6 = only_v6;
  return sizes;
}

}  // namespace

Result<RangePool> RangePool::create(std::string_view cidr, int node_bits) {
  TIPHYS_TRY(IpPrefix, range, parse_range(cidr));
  int most = address_bits(range.address.v6) - 2;
  if (node_bits < range.bits) {
    return refused(
        "Controller: Invalid --cluster-cidr, mask size of cluster CIDR must be less than or equal "
        "to --node-cidr-mask-size configured for CIDR family");
  }
  if (node_bits > most || node_bits - range.bits > kMaxPoolBits) {
    return refused("--node-cidr-mask-size " + std::to_string(node_bits) +
                   " does not fit --cluster-cidr " + std::string(cidr));
  }
  RangePool pool;
  pool.cidr_ = cidr;
  pool.range_ = range;
  pool.node_bits_ = node_bits;
  pool.count_ = uint32_t{1} << (node_bits - range.bits);
  return pool;
}

int RangePool::shift() const { return address_bits(range_.address.v6) - node_bits_; }

// Two ranges overlap if the smaller one lies in the larger one.
Result<void> RangePool::reserve(std::string_view cidr) {
  TIPHYS_TRY(IpPrefix, other, parse_range(cidr));
  uint32_t first = 0, last = count_;
  if (!contains(other, range_.address)) {
    if (!contains(range_, other.address)) return {};
    first = static_cast<uint32_t>(*block_of(range_.address, other.address, shift()));
    last = first + (other.bits < node_bits_ ? uint32_t{1} << (node_bits_ - other.bits) : 1);
  } else if (other.bits > range_.bits) {  // the same first address, and smaller
    last = other.bits < node_bits_ ? uint32_t{1} << (node_bits_ - other.bits) : 1;
  }
  for (uint32_t number = first; number < last; ++number) taken_.try_emplace(number, "");
  return {};
}

bool RangePool::take(std::string_view cidr, const std::string& node) {
  std::optional<IpPrefix> range = parse_cidr(cidr);
  if (!range || range->bits != node_bits_) return false;
  std::optional<uint64_t> number = block_of(range_.address, masked(*range), shift());
  if (!number || *number >= count_) return false;
  taken_.try_emplace(static_cast<uint32_t>(*number), node);
  return true;
}

std::string RangePool::text_of(uint32_t number) const {
  return canonical_text(advance(range_.address, number, shift())) + "/" +
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

Result<std::vector<RangePool>> make_range_pools(const RangeOptions& options) {
  std::vector<std::string_view> texts = split(trim(options.cluster_cidr), ',');
  std::vector<IpPrefix> ranges;
  for (std::string_view text : texts) {
    TIPHYS_TRY(IpPrefix, range, parse_range(text));
    ranges.push_back(range);
  }
  bool dual = ranges.size() > 1;
  size_t wide = 0;
  for (const IpPrefix& range : ranges) wide += range.address.v6 ? 1 : 0;
  if (dual && (wide == 0 || wide == ranges.size())) {
    return refused("len of ClusterCIDRs==" + std::to_string(ranges.size()) +
                   " and they are not configured as dual stack (at least one from each IPFamily");
  }
  if (ranges.size() > kMaxClusterCidrs) {
    return refused("length of clusterCIDRs is:" + std::to_string(ranges.size()) +
                   " more than max allowed of 2");
  }
  TIPHYS_TRY(MaskSizes, sizes, mask_sizes(options, dual, wide > 0));
  std::vector<RangePool> pools;
  for (size_t i = 0; i < ranges.size(); ++i) {
    int bits = ranges[i].address.v6 ? sizes.v6 : sizes.v4;
    TIPHYS_TRY(RangePool, pool, RangePool::create(texts[i], bits));
    pools.push_back(std::move(pool));
  }
  for (std::string_view cidr : split(options.service_cidr, ',')) {
    for (RangePool& pool : pools) {
      if (cidr.empty()) continue;
      if (Result<void> kept = pool.reserve(cidr); !kept) return kept.error();
    }
  }
  return pools;
}

}  // namespace tiphys::controllers
