// ServiceRange: the addresses of a range that services may have, and the ranges of
// --service-cluster-ip-range. Plain values. Pure.
// Upstream: cmd/kube-apiserver/app/options (validation.go, completion.go), NewIPAllocator in
// pkg/registry/core/service/ipallocator/ipallocator.go.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxServiceRanges = 2;  // one of each family

// The first address is never given out, nor is the last one of IPv4.
struct ServiceRange {
  IpPrefix prefix;    // masked
  uint64_t last = 0;  // offset of the last address that may be given out; 0: there is none

  bool v6() const { return prefix.address.v6; }
  std::string_view family() const { return v6() ? "IPv6" : "IPv4"; }
  std::string text() const;
  IpAddress at(uint64_t offset) const;
  bool holds(const IpAddress& address) const;
  // KEP-3070: so many of the lower addresses are kept for those that users ask for.
  uint64_t reserved() const;
};

// Nothing: no CIDR, or an IPv6 one that is shorter than /64.
std::optional<ServiceRange> parse_service_range(std::string_view cidr);

// The primary range, then the other family's if there is one. Error: BadRequest in the words of
// upstream's flag.
Result<std::vector<ServiceRange>> parse_service_ranges(std::string_view flag);

}  // namespace tiphys::apiserver
