#include <algorithm>
#include <cstdio>

#include "apiserver/warnings/warnings.h"
#include "base/strings.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {
namespace {

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

std::string ip_text(const IpAddress& address) {
  if (address.v6) return v6_text(address);
  std::string text;
  for (size_t i = 0; i < 4; ++i) {
    if (i > 0) text += '.';
    text += std::to_string(address.bytes[i]);
  }
  return text;
}

IpAddress masked(const IpPrefix& prefix) {
  IpAddress network = prefix.address;
  for (size_t i = 0; i < network.bytes.size(); ++i) {
    int kept = std::clamp(prefix.bits - static_cast<int>(i) * 8, 0, 8);
    network.bytes[i] &= static_cast<uint8_t>(0xff00 >> kept);
  }
  return network;
}

}  // namespace

void warn_of_ip(std::string_view text, const FieldPath& path, Warnings& warnings) {
  auto address = parse_ip(text);
  if (!address) return;
  std::string canonical = ip_text(*address);
  if (canonical == text) return;
  if (address->v6) {
    warn(warnings, path,
         "IPv6 address " + go_quote(text) + " should be in RFC 5952 canonical format (" +
             go_quote(canonical) + ")");
  } else {
    warn(warnings, path,
         "non-standard IP address " + go_quote(text) +
             " will be considered invalid in a future Kubernetes release: use " +
             go_quote(canonical));
  }
}

void warn_of_cidr(std::string_view text, const FieldPath& path, Warnings& warnings) {
  auto prefix = parse_cidr(text);
  if (!prefix) return;
  IpAddress network = masked(*prefix);
  std::string canonical = ip_text(network) + "/" + std::to_string(prefix->bits);
  std::string_view given = text.substr(0, text.find('/'));
  bool ambiguous = !(network == prefix->address);
  if (ambiguous) {
    std::string single = ip_text(prefix->address) + (prefix->address.v6 ? "/128" : "/32");
    warn(warnings, path,
         "CIDR value " + go_quote(text) + " is ambiguous in this context (should be " +
             go_quote(canonical) + " or " + go_quote(single) + "?)");
  }
  bool plain = ip_text(prefix->address) == given &&
               text.substr(given.size()) == "/" + std::to_string(prefix->bits);
  if (!prefix->address.v6 && !plain) {
    warn(warnings, path,
         "non-standard CIDR value " + go_quote(text) +
             " will be considered invalid in a future Kubernetes release: use " +
             go_quote(canonical));
  } else if (!plain && !ambiguous) {
    warn(warnings, path,
         "IPv6 CIDR value " + go_quote(text) + " should be in RFC 5952 canonical format (" +
             go_quote(canonical) + ")");
  }
}

}  // namespace tiphys::apiserver
