#include "kubelet/node/node_addresses.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kinds/ip_address.h"

namespace tiphys::kubelet {
namespace {

bool is_v6(std::string_view text) {
  std::optional<IpAddress> address = parse_ip(text);
  return address && address->v6;
}

ApiStatus bad_node_ip(std::string_view flag, const std::string& why) {
  return ApiStatus::bad_request("bad --node-ip " + go_quote(flag) + ": " + why);
}

}  // namespace

Result<std::vector<std::string>> parse_node_ips(std::string_view flag) {
  std::vector<std::string> found;
  size_t wide = 0;
  bool any = false;
  for (std::string_view part : split(flag, ',')) {
    if (flag.empty()) break;
    std::optional<IpAddress> address = parse_ip(trim(part));
    if (!address) {
      LOG_INFO("Could not parse node IP. Ignoring", {"IP", trim(part)});
      continue;
    }
    wide += address->v6 ? 1 : 0;
    any = any || address->is_unspecified();
    found.push_back(canonical_text(*address));
  }
  if (found.size() > 2 || (found.size() == 2 && wide != 1)) {
    return bad_node_ip(flag, "must contain either a single IP or a dual-stack pair of IPs");
  }
  if (found.size() == 2 && any) {
    return bad_node_ip(flag, "dual-stack node IP cannot include '0.0.0.0' or '::'");
  }
  return found;
}

std::vector<std::string> order_pod_ips(const std::vector<std::string>& pod_ips,
                                       const std::vector<std::string>& node_ips) {
  bool first_v6 = !node_ips.empty() && is_v6(node_ips[0]);
  std::vector<std::string> ordered;
  for (bool v6 : {first_v6, !first_v6}) {
    auto found = std::ranges::find_if(pod_ips, [v6](const auto& ip) { return is_v6(ip) == v6; });
    if (found != pod_ips.end()) ordered.push_back(*found);
  }
  return ordered;
}

}  // namespace tiphys::kubelet
