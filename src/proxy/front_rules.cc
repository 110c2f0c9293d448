#include "proxy/front_rules.h"

#include <unordered_set>

#include "proxy/shared_chains.h"

namespace tiphys::proxy {

void for_each_element(const FrontRules& front,
                      const std::function<void(std::string, const std::string&)>& visit) {
  bool node_port = front.node_port;
  if (!front.chain.empty()) {
    visit(node_port ? "service-nodeports" : "service-ips", "goto " + front.chain);
  }
  if (!front.refuse.empty()) {
    visit(node_port ? "no-endpoint-nodeports" : "no-endpoint-services", front.refuse);
  }
  if (!front.firewall.empty()) visit("firewall-ips", "goto " + front.firewall);
  for (bool local : {false, true}) {
    const std::vector<std::string>& list = local ? front.local_endpoints : front.endpoints;
    for (size_t i = 0; i < list.size(); ++i) visit(endpoint_map(node_port, local, i), list[i]);
  }
}

void keep_places(const std::vector<std::string>& before, std::vector<std::string>& now) {
  if (before == now) return;
  std::unordered_set<std::string_view> wanted(now.begin(), now.end());
  std::vector<std::string> placed(now.size());
  std::unordered_set<std::string_view> kept;
  for (size_t i = 0; i < before.size() && i < placed.size(); ++i) {
    if (!wanted.contains(before[i]) || !kept.insert(before[i]).second) continue;
    placed[i] = before[i];
  }
  size_t hole = 0;
  for (const std::string& value : now) {
    if (kept.contains(value)) continue;
    while (!placed[hole].empty()) ++hole;
    placed[hole] = value;
  }
  now = std::move(placed);
}

}  // namespace tiphys::proxy
