#include "os/interfaces.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "os/files.h"

namespace tiphys::os {
namespace {

std::string default_interface(Family family) {
  if (family == Family::kIpv4) {
    Result<std::string> text = read_file("/proc/net/route", 1 << 20);
    if (!text) return {};
    for (std::string_view line : split(*text, '\n')) {
      std::vector<std::string_view> parts = split(line, '\t');
      if (parts.size() > 7 && parts[1] == "00000000" && parts[7] == "00000000") {
        return std::string(parts[0]);
      }
    }
    return {};
  }
  Result<std::string> text = read_file("/proc/net/ipv6_route", 1 << 20);
  if (!text) return {};
  for (std::string_view line : split(*text, '\n')) {
    std::string_view name = trim(line.substr(std::min(line.size(), line.rfind(' ') + 1)));
    bool any = line.starts_with("00000000000000000000000000000000 00 ");
    if (any && name != "lo") return std::string(name);
  }
  return {};
}

// "" for one that others don't reach.
std::string text_of(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.sa_family == AF_INET) {
    auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  }
  auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) return {};
  return ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
}

}  // namespace

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return {};
  return to_lower(name);
}

std::string primary_address(Family family) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  int wanted = family == Family::kIpv4 ? AF_INET : AF_INET6;
  std::string interface = default_interface(family);
  std::string first;
  std::string best;
  for (ifaddrs* one = all; one; one = one->ifa_next) {
    if (!one->ifa_addr || one->ifa_addr->sa_family != wanted) continue;
    if ((one->ifa_flags & IFF_LOOPBACK) || !(one->ifa_flags & IFF_UP)) continue;
    std::string text = text_of(*one->ifa_addr);
    if (first.empty()) first = text;
    if (best.empty() && interface == one->ifa_name) best = text;
  }
  ::freeifaddrs(all);
  return best.empty() ? first : best;
}

std::vector<std::string> all_addresses() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  std::vector<std::string> out;
  for (ifaddrs* one = all; one; one = one->ifa_next) {
    if (!one->ifa_addr) continue;
    int family = one->ifa_addr->sa_family;
    const void* bytes = nullptr;
    if (family == AF_INET) bytes = &reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr;
    if (family == AF_INET6) bytes = &reinterpret_cast<sockaddr_in6*>(one->ifa_addr)->sin6_addr;
    char text[INET6_ADDRSTRLEN] = {};
    if (bytes && ::inet_ntop(family, bytes, text, sizeof text)) out.emplace_back(text);
  }
  ::freeifaddrs(all);
  return out;
}

}  // namespace tiphys::os
