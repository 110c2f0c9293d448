#include "dns/clients.h"

#include <algorithm>

namespace tiphys::dns {

void Clients::set_node(const std::string& name, std::vector<IpAddress> addresses) {
  if (addresses.empty()) {
    nodes_.erase(name);
  } else {
    nodes_[name] = std::move(addresses);
  }
}

bool Clients::allowed(const IpAddress& client) {
  if (client.is_loopback()) return true;
  for (const IpPrefix& range : ranges_) {
    if (contains(range, client)) return true;
  }
  if (std::ranges::find(own_, client) != own_.end()) return true;
  for (const auto& [name, addresses] : nodes_) {
    if (std::ranges::find(addresses, client) != addresses.end()) return true;
  }
  MonoTime now = clock_.mono();
  if (own_read_ && now - *own_read_ < kOwnPeriod) return false;
  own_read_ = now;
  own_ = read_own_();
  return std::ranges::find(own_, client) != own_.end();
}

}  // namespace tiphys::dns
