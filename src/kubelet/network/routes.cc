#include "kubelet/network/routes.h"

#include <algorithm>

#include "base/strings.h"
#include "kinds/ip_address.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxDeviceName = 15;
constexpr std::string_view kSuffix = ".vx";

struct Range {
  uint32_t first = 0;
  int bits = 0;
  uint32_t mask() const { return bits == 0 ? 0 : ~uint32_t{0} << (32 - bits); }
  bool contains(uint32_t address) const { return (address & mask()) == first; }
  bool overlaps(const Range& other) const { return contains(other.first) || other.contains(first); }
};

std::optional<uint32_t> read_address(std::string_view text) {
  std::optional<IpAddress> ip = parse_ip(text);
  if (!ip || ip->v6) return std::nullopt;
  const auto& b = ip->bytes;
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
}

std::optional<Range> read_range(std::string_view text) {
  std::optional<IpPrefix> prefix = parse_cidr(text);
  if (!prefix || prefix->address.v6) return std::nullopt;
  std::optional<uint32_t> address = read_address(text.substr(0, text.find('/')));
  if (!address) return std::nullopt;
  Range range{0, prefix->bits};
  range.first = *address & range.mask();
  return range;
}

// Of a dual-stack list the IPv4 one.
std::optional<Range> read_v4_range(std::string_view list) {
  for (std::string_view one : split(list, ',')) {
    if (auto range = read_range(one)) return range;
  }
  return std::nullopt;
}

// Benchmarking addresses (RFC 2544): hollow nodes have them, and no machine is there.
bool is_hollow(uint32_t address) { return Range{198u << 24 | 18u << 16, 15}.contains(address); }

bool is_unusable(uint32_t address) {
  return Range{0, 8}.contains(address) || Range{127u << 24, 8}.contains(address) ||
         Range{169u << 24 | 254u << 16, 16}.contains(address) ||
         Range{224u << 24, 3}.contains(address);
}

struct Peer {
  std::string name;
  Range pods;
  uint32_t address = 0;
};

class Planner {
 public:
  Planner(const RouteInput& input, const os::Routing& present) : input_(input), present_(present) {}

  RoutePlan plan() {
    cluster_ = read_v4_range(input_.cluster_cidr);
    own_ = read_v4_range(input_.own_cidr);
    for (std::string_view one : split(input_.own_address, ',')) {
      if (!own_address_) own_address_ = read_address(one);
    }
    device_name_ = vxlan_name(input_.bridge);
    find_links();
    choose_peers();
    plan_device();
    for (const Peer& peer : peers_) want(peer);
    diff();
    return std::move(plan_);
  }

 private:
  bool is_ours(const os::Route& route) const {
    return route.protocol == kRouteProtocol && cluster_ && cluster_->contains(route.destination);
  }

  void find_links() {
    for (const os::Link& link : present_.links) {
      if (link.name == device_name_) device_ = &link;
      for (const os::LinkAddress& one : link.addresses) {
        if (own_address_ && one.address == *own_address_ && !link.loopback) underlay_ = &link;
      }
    }
  }

  bool is_own(uint32_t address) const {
    return std::ranges::any_of(present_.links, [&](const os::Link& link) {
      return std::ranges::any_of(
          link.addresses, [&](const os::LinkAddress& one) { return one.address == address; });
    });
  }

  // The link whose segment the address is on; null: it is behind a router.
  const os::Link* segment_of(uint32_t address) const {
    for (const os::Link& link : present_.links) {
      if (link.loopback || !link.up || &link == device_ || link.name == input_.bridge) continue;
      for (const os::LinkAddress& one : link.addresses) {
        Range range{0, one.bits};
        range.first = one.address & range.mask();
        if (one.bits < 32 && range.contains(address)) return &link;
      }
    }
    return nullptr;
  }

  // Older nodes first: they keep what others claim too.
  void choose_peers() {
    std::vector<const PeerNode*> sorted;
    for (const PeerNode& node : input_.nodes) {
      if (node.name != input_.own_name) sorted.push_back(&node);
    }
    std::ranges::sort(sorted, [](const PeerNode* a, const PeerNode* b) {
      return std::pair(a->created, a->name) < std::pair(b->created, b->name);
    });
    for (const PeerNode* node : sorted) {
      if (node->pod_cidr.empty() || node->address.empty() || !own_ || !cluster_) continue;
      Peer peer{.name = node->name, .pods = {}, .address = 0};
      std::string why = read(*node, peer);
      if (!why.empty()) {
        plan_.refused.emplace(node->name, std::move(why));
      } else if (!is_hollow(peer.address)) {
        by_start_.emplace(peer.pods.first, peers_.size());
        peers_.push_back(std::move(peer));
      }
    }
  }

  // "": it is a peer. Ranges that were taken do not overlap: a neighbour by start decides.
  std::string read(const PeerNode& node, Peer& peer) const {
    std::optional<Range> pods = read_range(node.pod_cidr);
    std::optional<uint32_t> address = read_address(node.address);
    if (!pods) return "podCIDR " + go_quote(node.pod_cidr) + " is no IPv4 range";
    if (!address) return "InternalIP " + go_quote(node.address) + " is no IPv4 address";
    peer.pods = *pods;
    peer.address = *address;
    if (pods->bits < cluster_->bits || !cluster_->contains(pods->first)) {
      return "podCIDR " + node.pod_cidr + " is not within the cluster's range " +
             input_.cluster_cidr;
    }
    if (pods->overlaps(*own_)) {
      return "podCIDR " + node.pod_cidr + " overlaps that of this node, " + input_.own_cidr;
    }
    if (const Peer* other = overlapped(*pods)) {
      return "podCIDR " + node.pod_cidr + " overlaps that of node " + go_quote(other->name);
    }
    if (is_unusable(*address)) return "InternalIP " + node.address + " is no address of a machine";
    if (is_own(*address)) return "InternalIP " + node.address + " is this node's own";
    if (cluster_->contains(*address)) {
      return "InternalIP " + node.address + " is within the pods' range " + input_.cluster_cidr;
    }
    return "";
  }

  const Peer* overlapped(const Range& pods) const {
    auto after = by_start_.lower_bound(pods.first);
    if (after != by_start_.end() && pods.overlaps(peers_[after->second].pods)) {
      return &peers_[after->second];
    }
    if (after == by_start_.begin()) return nullptr;
    const Peer& before = peers_[std::prev(after)->second];
    return pods.overlaps(before.pods) ? &before : nullptr;
  }

  void plan_device() {
    bool wanted = underlay_ != nullptr && std::ranges::any_of(peers_, [&](const Peer& peer) {
                    return segment_of(peer.address) == nullptr;
                  });
    if (underlay_ != nullptr) plan_.pod_mtu = underlay_->mtu - (wanted ? kVxlanOverhead : 0);
    if (!wanted) {
      if (device_ != nullptr) plan_.remove_links.push_back(device_->index);
      device_ = nullptr;
      return;
    }
    os::VxlanDevice device{.name = device_name_,
                           .vxlan = {kVxlanId, *own_address_, underlay_->index, kVxlanPort},
                           .mtu = plan_.pod_mtu,
                           .mac = vxlan_mac(*own_address_),
                           .address = {own_->first, 32}};
    if (device_ != nullptr && is_as_wanted(*device_, device)) return;
    if (device_ != nullptr) plan_.remove_links.push_back(device_->index);
    device_ = nullptr;
    plan_.add_vxlan = std::move(device);
  }

  static bool is_as_wanted(const os::Link& link, const os::VxlanDevice& device) {
    return link.vxlan && *link.vxlan == device.vxlan && link.up && link.mtu == device.mtu &&
           link.mac == device.mac &&
           std::ranges::find(link.addresses, device.address) != link.addresses.end();
  }

  void want(const Peer& peer) {
    os::Route route{.destination = peer.pods.first,
                    .bits = peer.pods.bits,
                    .gateway = peer.address,
                    .link = 0,
                    .protocol = kRouteProtocol};
    if (const os::Link* segment = segment_of(peer.address)) {
      route.link = segment->index;
    } else if (device_ != nullptr) {
      route.gateway = peer.pods.first;
      route.link = device_->index;
      route.on_link = true;
      os::Mac mac = vxlan_mac(peer.address);
      neighbours_.push_back({peer.pods.first, mac, device_->index});
      forwards_.push_back({mac, peer.address, device_->index});
    } else {
      return;  // the device comes first
    }
    wanted_[{route.destination, route.bits}] = route;
    names_[{route.destination, route.bits}] = peer.name;
  }

  void diff() {
    std::map<std::pair<uint32_t, int>, bool> kept;
    for (const os::Route& route : present_.routes) {
      std::pair key(route.destination, route.bits);
      auto wanted = wanted_.find(key);
      if (is_ours(route)) {
        if (wanted != wanted_.end() && route == wanted->second) {
          kept[key] = true;
        } else {
          plan_.remove_routes.push_back(route);
        }
      } else if (wanted != wanted_.end()) {
        plan_.refused[names_[key]] = "another route to " + os::address_text(key.first) + "/" +
                                     std::to_string(key.second) +
                                     " is there, which this node did not make (protocol " +
                                     std::to_string(route.protocol) + ")";
        wanted_.erase(wanted);
      }
    }
    for (const auto& [key, route] : wanted_) {
      if (!kept.contains(key)) plan_.add_routes.push_back(route);
    }
    diff_entries(present_.neighbours, neighbours_, plan_.add_neighbours, plan_.remove_neighbours);
    diff_entries(present_.forwards, forwards_, plan_.add_forwards, plan_.remove_forwards);
  }

  template <class Entry>
  void diff_entries(const std::vector<Entry>& present, const std::vector<Entry>& wanted,
                    std::vector<Entry>& add, std::vector<Entry>& remove) const {
    if (device_ == nullptr) return;
    auto key = [](const Entry& e) { return os_key(e); };
    std::map<decltype(key(wanted[0])), bool> missing;
    for (const Entry& one : wanted) missing[key(one)] = true;
    for (const Entry& one : present) {
      if (one.link != device_->index) continue;
      auto at = missing.find(key(one));
      if (at == missing.end()) {
        remove.push_back(one);
      } else {
        at->second = false;
      }
    }
    for (const Entry& one : wanted) {
      if (missing[key(one)]) add.push_back(one);
    }
  }

  static std::pair<uint32_t, os::Mac> os_key(const os::Neighbour& n) { return {n.address, n.mac}; }
  static std::pair<uint32_t, os::Mac> os_key(const os::Forward& f) { return {f.host, f.mac}; }

  const RouteInput& input_;
  const os::Routing& present_;
  RoutePlan plan_;
  std::optional<Range> cluster_;
  std::optional<Range> own_;
  std::optional<uint32_t> own_address_;
  std::string device_name_;
  const os::Link* device_ = nullptr;
  const os::Link* underlay_ = nullptr;
  std::vector<Peer> peers_;
  std::map<uint32_t, size_t> by_start_;
  std::map<std::pair<uint32_t, int>, os::Route> wanted_;
  std::map<std::pair<uint32_t, int>, std::string> names_;
  std::vector<os::Neighbour> neighbours_;
  std::vector<os::Forward> forwards_;
};

}  // namespace

bool RoutePlan::empty() const {
  return !changes_devices() && remove_routes.empty() && remove_neighbours.empty() &&
         remove_forwards.empty() && add_forwards.empty() && add_neighbours.empty() &&
         add_routes.empty();
}

RoutePlan plan_routes(const RouteInput& input, const os::Routing& present) {
  return Planner(input, present).plan();
}

std::string vxlan_name(const std::string& bridge) {
  return bridge.substr(0, kMaxDeviceName - kSuffix.size()).append(kSuffix);
}

os::Mac vxlan_mac(uint32_t a) {
  auto byte = [a](int shift) { return static_cast<uint8_t>(a >> shift & 255); };
  return {0x02, 0x54, byte(24), byte(16), byte(8), byte(0)};
}

}  // namespace tiphys::kubelet
