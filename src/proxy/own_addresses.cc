#include "proxy/own_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <sys/socket.h>

namespace tiphys::proxy {

std::set<std::string> own_addresses() {
  std::set<std::string> texts;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return texts;
  for (ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    char text[INET6_ADDRSTRLEN] = "";
    if (at->ifa_addr->sa_family == AF_INET) {
      inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(at->ifa_addr)->sin_addr, text,
                sizeof text);
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(at->ifa_addr)->sin6_addr, text,
                sizeof text);
    }
    if (text[0] != 0) texts.insert(text);
  }
  ::freeifaddrs(list);
  return texts;
}

}  // namespace tiphys::proxy
