#include "kubelet/network/routes.h"

#include <algorithm>

#include "base/strings.h"
#include "kinds/ip_range.h"

namespace tiphys::kubelet {
namespace {

using os::Address;
using os::Family;

constexpr size_t kMaxDeviceName = 15;
constexpr int kMinMtuV6 = 1280;  // a link with less has no IPv6

// What differs between the families.
struct FamilyRules {
  std::string_view name;
  std::string_view suffix;  // of the device
  int overhead;
  uint32_t metric;
  std::vector<std::string_view> no_machines;  // ranges of which no machine has an address
};

const FamilyRules& rules_of(Family family) {
  static const FamilyRules v4{"IPv4",
                              ".vx",
                              kVxlanOverhead,
                              0,
                              {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"}};
  static const FamilyRules v6{
      "IPv6", ".vx6", kVxlanOverheadV6, os::kMetricV6, {"::/8", "fe80::/10", "ff00::/8"}};
  return family == Family::kIpv4 ? v4 : v6;
}

// Benchmarking addresses (RFC 2544): hollow nodes have them, and no machine is there.
constexpr std::string_view kHollowNodes = "198.18.0.0/15";

struct Range {
  Family family = Family::kIpv4;
  Address first = 0;
  int bits = 0;
  Address mask() const { return bits == 0 ? 0 : ~Address{0} << (os::address_bits(family) - bits); }
  bool contains(Address address) const { return (address & mask()) == first; }
  bool overlaps(const Range& other) const { return contains(other.first) || other.contains(first); }
};

Family family_of(const IpAddress& ip) { return ip.v6 ? Family::kIpv6 : Family::kIpv4; }

Range range_of(Family family, Address address, int bits) {
  Range range{family, 0, bits};
  range.first = address & range.mask();
  return range;
}

std::optional<Address> read_address(Family family, std::string_view text) {
  std::optional<IpAddress> ip = parse_ip(text);
  if (!ip || family_of(*ip) != family) return std::nullopt;
  return number_of(*ip);
}

std::optional<Range> read_range(Family family, std::string_view text) {
  std::optional<IpPrefix> prefix = parse_cidr(text);
  if (!prefix || family_of(prefix->address) != family) return std::nullopt;
  // An IPv4-mapped one is IPv4 with too many bits.
  if (prefix->bits > os::address_bits(family)) return std::nullopt;
  return range_of(family, number_of(prefix->address), prefix->bits);
}

// Of a dual-stack list the one of the family.
std::optional<Range> first_range(Family family, std::string_view list) {
  for (std::string_view one : split(list, ',')) {
    if (auto range = read_range(family, trim(one))) return range;
  }
  return std::nullopt;
}

bool is_hollow(std::string_view address) {
  std::optional<Address> number = read_address(Family::kIpv4, address);
  return number && read_range(Family::kIpv4, kHollowNodes)->contains(*number);
}

bool is_unusable(Family family, Address address) {
  return std::ranges::any_of(rules_of(family).no_machines, [&](std::string_view text) {
    return read_range(family, text)->contains(address);
  });
}

// FNV-1a.
uint64_t hash_of(std::string_view bytes) {
  uint64_t hash = 14695981039346656037u;
  for (char one : bytes) hash = (hash ^ static_cast<uint8_t>(one)) * 1099511628211u;
  return hash;
}

struct Peer {
  std::string name;
  Range pods;
  Address address = 0;
};

class Planner {
 public:
  Planner(const RouteInput& input, const os::Routing& present)
      : input_(input), present_(present), family_(input.family), rules_(rules_of(family_)) {
    plan_.family = family_;
  }

  RoutePlan plan() {
    cluster_ = first_range(family_, input_.cluster_cidr);
    own_ = first_range(family_, input_.own_cidr);
    for (std::string_view one : split(input_.own_address, ',')) {
      if (!own_address_) own_address_ = read_address(family_, one);
    }
    device_name_ = vxlan_name(family_, input_.bridge);
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
      bool clashes = link.vxlan && link.vxlan->family == family_ && link.vxlan->id == kVxlanId &&
                     link.vxlan->port == kVxlanPort;
      if (clashes && link.name != device_name_) in_the_way_ = &link;
      for (const os::LinkAddress& one : link.addresses) {
        if (own_address_ && one.address == *own_address_ && !link.loopback) underlay_ = &link;
      }
    }
  }

  bool is_own(Address address) const {
    return std::ranges::any_of(present_.links, [&](const os::Link& link) {
      return std::ranges::any_of(
          link.addresses, [&](const os::LinkAddress& one) { return one.address == address; });
    });
  }

  // The link whose segment the address is on; null: it is behind a router.
  const os::Link* segment_of(Address address) const {
    for (const os::Link& link : present_.links) {
      if (link.loopback || !link.up || &link == device_ || link.name == input_.bridge) continue;
      for (const os::LinkAddress& one : link.addresses) {
        bool alone = one.bits == os::address_bits(family_);
        if (!alone && range_of(family_, one.address, one.bits).contains(address)) return &link;
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
      if (is_hollow(node->address)) continue;
      Peer peer{.name = node->name, .pods = {}, .address = 0};
      std::string why = read(*node, peer);
      if (!why.empty()) {
        plan_.refused.emplace(node->name, std::move(why));
      } else {
        by_start_.emplace(peer.pods.first, peers_.size());
        peers_.push_back(std::move(peer));
      }
    }
  }

  // "": it is a peer. Ranges that were taken do not overlap: a neighbour by start decides.
  std::string read(const PeerNode& node, Peer& peer) const {
    std::optional<Range> pods = read_range(family_, node.pod_cidr);
    std::optional<Address> address = read_address(family_, node.address);
    std::string family(rules_.name);
    if (!pods) return "podCIDR " + go_quote(node.pod_cidr) + " is no " + family + " range";
    if (!address) return "InternalIP " + go_quote(node.address) + " is no " + family + " address";
    peer.pods = *pods;
    peer.address = *address;
    if (pods->bits < cluster_->bits || !cluster_->contains(pods->first)) {
      return "podCIDR " + node.pod_cidr + " is not within the cluster's range " +
             input_.cluster_cidr;
    }
    for (const std::string& services : input_.service_cidrs) {
      std::optional<Range> range = read_range(family_, services);
      if (!range || !pods->overlaps(*range)) continue;
      return "podCIDR " + node.pod_cidr + " overlaps the services' range " + services;
    }
    if (pods->overlaps(*own_)) {
      return "podCIDR " + node.pod_cidr + " overlaps that of this node, " + input_.own_cidr;
    }
    if (const Peer* other = overlapped(*pods)) {
      return "podCIDR " + node.pod_cidr + " overlaps that of node " + go_quote(other->name);
    }
    if (is_unusable(family_, *address)) {
      return "InternalIP " + node.address + " is no address of a machine";
    }
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
    bool wanted = std::ranges::any_of(
        peers_, [&](const Peer& peer) { return segment_of(peer.address) == nullptr; });
    if (wanted) no_tunnel_ = why_no_tunnel();
    wanted = wanted && no_tunnel_.empty();
    if (underlay_ != nullptr && own_) {
      plan_.pod_mtu = underlay_->mtu - (wanted ? rules_.overhead : 0);
    }
    if (!wanted) {
      if (device_ != nullptr) plan_.remove_links.push_back(device_->index);
      device_ = nullptr;
      return;
    }
    os::VxlanDevice device{
        .name = device_name_,
        .vxlan = {family_, kVxlanId, *own_address_, underlay_->index, kVxlanPort},
        .mtu = plan_.pod_mtu,
        .mac = vxlan_mac(family_, *own_address_),
        .address = {own_->first, os::address_bits(family_)}};
    if (device_ != nullptr && is_as_wanted(*device_, device)) return;
    if (device_ != nullptr) plan_.remove_links.push_back(device_->index);
    device_ = nullptr;
    plan_.add_vxlan = std::move(device);
  }

  // "": there can be a device.
  std::string why_no_tunnel() const {
    if (underlay_ == nullptr) return "no link of this node has its InternalIP";
    if (in_the_way_ != nullptr) {
      return "device " + in_the_way_->name + " has VXLAN's VNI " + std::to_string(kVxlanId) +
             " and port " + std::to_string(kVxlanPort) + " already, which " + device_name_ +
             " needs (of several clusters or pod networks of one machine one only can have it)";
    }
    if (family_ == Family::kIpv6 && underlay_->mtu - rules_.overhead < kMinMtuV6) {
      return "the MTU of " + underlay_->name + ", " + std::to_string(underlay_->mtu) +
             ", leaves less than the " + std::to_string(kMinMtuV6) + " that IPv6 needs";
    }
    return "";
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
                    .protocol = kRouteProtocol,
                    .metric = rules_.metric};
    if (const os::Link* segment = segment_of(peer.address)) {
      route.link = segment->index;
    } else if (!no_tunnel_.empty()) {
      plan_.refused[peer.name] =
          "InternalIP " + os::address_text(family_, peer.address) +
          " is behind a router, and there can be no VXLAN device: " + no_tunnel_;
      return;
    } else if (device_ == nullptr || !want_tunnel(peer, route)) {
      return;  // the device comes first
    }
    wanted_[{route.destination, route.bits}] = route;
    names_[{route.destination, route.bits}] = peer.name;
  }

  bool want_tunnel(const Peer& peer, os::Route& route) {
    os::Mac mac = vxlan_mac(family_, peer.address);
    auto [taken, fresh] = macs_.emplace(mac, peer.name);
    if (!fresh) {
      plan_.refused[peer.name] = "InternalIP " + os::address_text(family_, peer.address) +
                                 " stands for the same VXLAN MAC as that of node " +
                                 go_quote(taken->second);
      return false;
    }
    route.gateway = peer.pods.first;
    route.link = device_->index;
    route.on_link = true;
    neighbours_.push_back({peer.pods.first, mac, device_->index});
    forwards_.push_back({mac, peer.address, device_->index});
    return true;
  }

  void diff() {
    std::map<std::pair<Address, int>, bool> kept;
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
        plan_.refused[names_[key]] = "another route to " + os::address_text(family_, key.first) +
                                     "/" + std::to_string(key.second) +
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

  static std::pair<Address, os::Mac> os_key(const os::Neighbour& n) { return {n.address, n.mac}; }
  static std::pair<Address, os::Mac> os_key(const os::Forward& f) { return {f.host, f.mac}; }

  const RouteInput& input_;
  const os::Routing& present_;
  Family family_;
  const FamilyRules& rules_;
  RoutePlan plan_;
  std::optional<Range> cluster_;
  std::optional<Range> own_;
  std::optional<Address> own_address_;
  std::string device_name_;
  const os::Link* device_ = nullptr;
  const os::Link* underlay_ = nullptr;
  const os::Link* in_the_way_ = nullptr;  // another device with our VNI and port
  std::string no_tunnel_;                 // why there can be no device that is needed
  std::vector<Peer> peers_;
  std::map<Address, size_t> by_start_;
  std::map<os::Mac, std::string> macs_;
  std::map<std::pair<Address, int>, os::Route> wanted_;
  std::map<std::pair<Address, int>, std::string> names_;
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

std::string vxlan_name(Family family, const std::string& bridge) {
  std::string_view suffix = rules_of(family).suffix;
  if (bridge.size() + suffix.size() <= kMaxDeviceName) return bridge + std::string(suffix);
  uint64_t hash = hash_of(bridge);
  std::string number = hex(std::string{static_cast<char>(hash >> 8), static_cast<char>(hash)});
  return bridge.substr(0, kMaxDeviceName - suffix.size() - number.size()) + number +
         std::string(suffix);
}

os::Mac vxlan_mac(Family family, Address address) {
  auto byte = [](uint64_t of, int shift) { return static_cast<uint8_t>(of >> shift & 255); };
  if (family == Family::kIpv4) {
    auto a = static_cast<uint32_t>(address);
    return {0x02, 0x54, byte(a, 24), byte(a, 16), byte(a, 8), byte(a, 0)};
  }
  uint64_t hash = hash_of(os::address_text(family, address));
  return {0x06, byte(hash, 32), byte(hash, 24), byte(hash, 16), byte(hash, 8), byte(hash, 0)};
}

}  // namespace tiphys::kubelet
