#include "kinds/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/strings.h"

namespace tiphys {
namespace {

constexpr size_t kMaxTextBytes = 64;  // longer is no address
constexpr uint8_t kMappedPrefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<IpAddress> parse_v4(std::string_view text) {
  std::vector<std::string_view> parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  IpAddress address;
  for (size_t i = 0; i < parts.size(); ++i) {
    bool digits = !parts[i].empty() &&
                  std::ranges::all_of(parts[i], [](char c) { return c >= '0' && c <= '9'; });
    std::optional<int64_t> octet = digits ? parse_int(parts[i]) : std::nullopt;
    if (!octet || *octet > 255) return std::nullopt;
    address.bytes[i] = static_cast<uint8_t>(*octet);
  }
  return address;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  in6_addr raw;
  if (inet_pton(AF_INET6, std::string(text).c_str(), &raw) != 1) return std::nullopt;
  IpAddress address;
  if (std::memcmp(raw.s6_addr, kMappedPrefix, sizeof kMappedPrefix) == 0) {
    std::memcpy(address.bytes.data(), raw.s6_addr + sizeof kMappedPrefix, 4);
    return address;
  }
  address.v6 = true;
  std::memcpy(address.bytes.data(), raw.s6_addr, address.bytes.size());
  return address;
}

constexpr int kGroups = 8;  // of an IPv6 address

int group_at(const IpAddress& address, int index) {
  return address.bytes[static_cast<size_t>(index) * 2] << 8 |
         address.bytes[static_cast<size_t>(index) * 2 + 1];
}

// The longest run of zero groups, the first of equals; at least two.
std::pair<int, int> zero_run(const IpAddress& address) {
  std::pair<int, int> best{-1, 1};
  for (int start = 0; start < kGroups; ++start) {
    int end = start;
    while (end < kGroups && group_at(address, end) == 0) ++end;
    if (end - start > best.second) best = {start, end - start};
  }
  return best;
}

// RFC 5952.
std::string v6_text(const IpAddress& address) {
  auto [start, length] = zero_run(address);
  std::string text;
  for (int i = 0; i < kGroups; ++i) {
    if (i == start) {
      text += "::";
      i += length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    char group[8];
    snprintf(group, sizeof group, "%x", static_cast<unsigned>(group_at(address, i)));
    text += group;
  }
  return text;
}

}  // namespace

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (!v6) return bytes[0] == 127;
  bool zeros = std::all_of(bytes.begin(), bytes.end() - 1, [](uint8_t byte) { return byte == 0; });
  return zeros && bytes.back() == 1;
}

bool IpAddress::is_link_local() const {
  return v6 ? bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80 : bytes[0] == 169 && bytes[1] == 254;
}

bool IpAddress::is_link_local_multicast() const {
  if (v6) return bytes[0] == 0xff && (bytes[1] & 0x0f) == 0x02;
  return bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.size() > kMaxTextBytes || text.find('\0') != std::string_view::npos) return std::nullopt;
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

std::optional<IpPrefix> parse_cidr(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::optional<IpAddress> address = parse_ip(text.substr(0, slash));
  std::string_view digits = text.substr(slash + 1);
  bool number = !digits.empty() && digits.front() >= '0' && digits.front() <= '9';
  std::optional<int64_t> bits = number ? parse_int(digits) : std::nullopt;
  bool wide = text.find(':') != std::string_view::npos;
  if (!address || !bits || *bits > (wide ? 128 : 32)) return std::nullopt;
  return IpPrefix{*address, static_cast<int>(*bits)};
}

std::string canonical_text(const IpAddress& address) {
  if (address.v6) return v6_text(address);
  std::string text;
  for (size_t i = 0; i < 4; ++i) {
    if (i > 0) text += '.';
    text += std::to_string(address.bytes[i]);
  }
  return text;
}

IpAddress masked(const IpPrefix& prefix) {
  IpAddress address = prefix.address;
  int width = address.v6 ? 128 : 32;
  for (int i = prefix.bits; i < width; ++i) {
    auto keep = static_cast<uint8_t>(~(0x80 >> (i % 8)));
    address.bytes[static_cast<size_t>(i) / 8] &= keep;
  }
  return address;
}

bool contains(const IpPrefix& prefix, const IpAddress& address) {
  if (prefix.address.v6 != address.v6) return false;
  return masked(prefix) == masked(IpPrefix{address, prefix.bits});
}

}  // namespace tiphys
