// IpAddress: an IPv4 or IPv6 address as Go's net package reads it, leading zeros in octets allowed
// (k8s.io/utils/net ParseIPSloppy, ParseCIDRSloppy). A plain value. Pure.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tiphys {

struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // IPv4: the first four
  bool v6 = false;                  // an IPv4-mapped IPv6 address is IPv4, as Go has it

  bool is_unspecified() const;
  bool is_loopback() const;              // 127.0.0.0/8, ::1
  bool is_link_local() const;            // 169.254.0.0/16, fe80::/10
  bool is_link_local_multicast() const;  // 224.0.0.0/24, ff02::/16
  bool operator==(const IpAddress&) const = default;
};

struct IpPrefix {
  IpAddress address;
  int bits = 0;
};

std::optional<IpAddress> parse_ip(std::string_view text);
std::optional<IpPrefix> parse_cidr(std::string_view text);
// Without leading zeros; IPv6 as RFC 5952 has it.
std::string canonical_text(const IpAddress& address);
// The address with all bits beyond the prefix cleared.
IpAddress masked(const IpPrefix& prefix);
bool contains(const IpPrefix& prefix, const IpAddress& address);

}  // namespace tiphys
