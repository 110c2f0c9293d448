#include "apiserver/registry/service_ranges.h"

#include <algorithm>

#include "base/strings.h"
#include "kinds/ip_range.h"

namespace tiphys::apiserver {
namespace {

constexpr int kMaxHostBits = 64;
constexpr int kMinHostBits = 3;  // eight addresses
constexpr std::string_view kFlag = "--service-cluster-ip-range";

int host_bits(const IpPrefix& prefix) { return address_bits(prefix.address.v6) - prefix.bits; }

// An IPv4 address may be written as one of IPv6, but not with a mask of one.
std::optional<IpPrefix> parse_prefix(std::string_view text) {
  std::optional<IpPrefix> prefix = parse_cidr(text);
  return prefix && host_bits(*prefix) >= 0 ? prefix : std::nullopt;
}

ApiStatus refused(const std::string& why) { return ApiStatus::bad_request(why); }

}  // namespace

std::string ServiceRange::text() const {
  return canonical_text(prefix.address) + "/" + std::to_string(prefix.bits);
}

IpAddress ServiceRange::at(uint64_t offset) const { return advance(prefix.address, offset); }

bool ServiceRange::holds(const IpAddress& address) const {
  std::optional<uint64_t> offset = block_of(prefix.address, address);
  return offset && *offset >= 1 && *offset <= last;
}

uint64_t ServiceRange::reserved() const {
  uint64_t kept = std::clamp<uint64_t>(last / 16 + 1, 16, 256);
  return kept < last ? kept : 0;
}

std::optional<ServiceRange> parse_service_range(std::string_view cidr) {
  std::optional<IpPrefix> prefix = parse_prefix(cidr);
  if (!prefix || host_bits(*prefix) > kMaxHostBits) return std::nullopt;
  ServiceRange range{{masked(*prefix), prefix->bits}, 0};
  int bits = host_bits(*prefix);
  uint64_t broadcast = bits == kMaxHostBits ? UINT64_MAX : (uint64_t{1} << bits) - 1;
  range.last = range.v6() || broadcast == 0 ? broadcast : broadcast - 1;
  return range;
}

Result<std::vector<ServiceRange>> parse_service_ranges(std::string_view flag) {
  std::vector<std::string_view> texts = split(flag, ',');
  std::vector<IpPrefix> prefixes;
  for (std::string_view text : texts) {
    size_t i = prefixes.size();
    std::optional<IpPrefix> prefix = parse_prefix(text);
    std::string name = "service-cluster-ip-range[" + std::to_string(i) + "]";
    if (!prefix) return refused(name + (i == 0 ? " is not a valid cidr" : " is not an ip net"));
    if (i == 0 && host_bits(*prefix) < kMinHostBits) {
      return refused(
          "error determining service IP ranges for primary service cidr: the service cluster IP "
          "range must be at least 8 IP addresses");
    }
    prefixes.push_back(*prefix);
    if (prefixes.size() == kMaxServiceRanges) break;
  }
  if (texts.size() > kMaxServiceRanges) {
    return refused(std::string(kFlag) + " must not contain more than two entries");
  }
  bool two = prefixes.size() == kMaxServiceRanges;
  if (two && prefixes[0].address.v6 == prefixes[1].address.v6) {
    return refused(std::string(kFlag) + "[0] and " + std::string(kFlag) +
                   "[1] must be of different IP family");
  }
  std::vector<ServiceRange> ranges;
  for (size_t i = 0; i < prefixes.size(); ++i) {
    std::optional<ServiceRange> range = parse_service_range(texts[i]);
    std::string name = std::string(kFlag) + (i == 0 ? "" : "[1]");
    if (!range) {
      return refused("specified " + name +
                     " is too large; for 128-bit addresses, the mask must be >= 64");
    }
    ranges.push_back(*range);
  }
  return ranges;
}

}  // namespace tiphys::apiserver
