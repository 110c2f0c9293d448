#include "proxy/conntrack.h"

#include <algorithm>

namespace tiphys::proxy {
namespace {

using Commands = std::vector<std::vector<std::string>>;

std::vector<std::string> delete_flows(const UdpFront& front, Family family,
                                      const std::string& endpoint) {
  std::vector<std::string> command = {
      "conntrack", "-D", "-f", family == Family::kIpv4 ? "ipv4" : "ipv6", "-p", "udp"};
  if (!front.address.empty()) command.insert(command.end(), {"--orig-dst", front.address});
  command.insert(command.end(), {"--orig-port-dst", std::to_string(front.port)});
  if (!endpoint.empty()) command.insert(command.end(), {"--reply-src", endpoint});
  return command;
}

const UdpFront* find(const ServiceRules& rules, const UdpFront& front) {
  for (const UdpFront& other : rules.udp) {
    if (other.address == front.address && other.port == front.port) return &other;
  }
  return nullptr;
}

void lost_endpoints(const UdpFront& before, const UdpFront* now, Family family, Commands& out) {
  for (const Target& target : before.targets) {
    bool kept = now != nullptr &&
                std::find(now->targets.begin(), now->targets.end(), target) != now->targets.end();
    if (!kept) out.push_back(delete_flows(before, family, target.address.text()));
  }
}

}  // namespace

Commands stale_udp_flows(const ServiceRules& before, const ServiceRules& now, Family family) {
  Commands commands;
  for (const UdpFront& front : before.udp)
    lost_endpoints(front, find(now, front), family, commands);
  for (const UdpFront& front : now.udp) {
    if (front.targets.empty()) continue;
    // Flows from before there was an endpoint are remembered untranslated.
    const UdpFront* old = find(before, front);
    if (old == nullptr || old->targets.empty()) {
      commands.push_back(delete_flows(front, family, ""));
    }
  }
  if (commands.size() > kMaxConntrackCommands) {
    commands = {{"conntrack", "-D", "-f", family == Family::kIpv4 ? "ipv4" : "ipv6", "-p", "udp",
                 "--dst-nat"}};
  }
  return commands;
}

}  // namespace tiphys::proxy
