// Routes: what this node must have in its kernel so that the pods of other nodes are reached, as a
// pure plan from the Nodes and what is there already. One family of addresses each: pods' IPv4
// travels between the nodes' IPv4 addresses, their IPv6 between those of IPv6.
//
// A node on a directly attached segment is the gateway of its podCIDR. Any other is reached by one
// VXLAN device (flannel's scheme: VNI 1, port 8472, a device a family; for each node a route by its
// podCIDR's first address, a neighbour and a forwarding entry; the MAC follows from the node's
// address, so that nothing has to be announced).
//
// Ours are the routes of protocol kRouteProtocol within the cluster's range, and the device by its
// name: whatever of it isn't wanted goes, nothing else is touched. A Node that is wrong is refused
// alone: its podCIDR must be within the cluster's range, outside of the services' and overlap no
// other node's (the older node keeps it), its address must be another machine's. So are those
// behind a router while another device of this machine has our VNI and port.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "os/routing.h"

namespace tiphys::kubelet {

inline constexpr uint8_t kRouteProtocol = 84;
inline constexpr uint32_t kVxlanId = 1;
inline constexpr uint16_t kVxlanPort = 8472;
// IPv4 or IPv6, UDP, VXLAN and Ethernet headers.
inline constexpr int kVxlanOverhead = 50;
inline constexpr int kVxlanOverheadV6 = 70;

struct PeerNode {
  std::string name;
  std::string pod_cidr;  // as the API has it, of the family; "": not given (yet)
  std::string address;   // InternalIP, of the family if there is one; "": none told
  MicroTime created = 0;
};

struct RouteInput {
  os::Family family = os::Family::kIpv4;
  std::string own_name;  // the Node of that name is this one
  // Lists, of which that of the family counts.
  std::string own_cidr;
  std::string own_address;
  std::string cluster_cidr;
  std::vector<std::string> service_cidrs;
  std::string bridge;
  std::vector<PeerNode> nodes;
};

struct RoutePlan {
  os::Family family = os::Family::kIpv4;
  // Devices first: while they change, what leads over them is left out, and the plan made anew.
  std::vector<int> remove_links;
  std::optional<os::VxlanDevice> add_vxlan;
  std::vector<os::Route> remove_routes;
  std::vector<os::Neighbour> remove_neighbours;
  std::vector<os::Forward> remove_forwards;
  std::vector<os::Forward> add_forwards;
  std::vector<os::Neighbour> add_neighbours;
  std::vector<os::Route> add_routes;
  std::map<std::string, std::string> refused;  // node -> why it gets no route
  int pod_mtu = 0;  // 0: not known (no link has our address, or no range)

  bool changes_devices() const { return add_vxlan || !remove_links.empty(); }
  bool empty() const;
};

RoutePlan plan_routes(const RouteInput& input, const os::Routing& present);
// "<bridge>.vx", of IPv6 "<bridge>.vx6". Of a bridge whose name leaves no room for it a part and a
// number instead, which differs for each bridge.
std::string vxlan_name(os::Family family, const std::string& bridge);
os::Mac vxlan_mac(os::Family family, os::Address node_address);

}  // namespace tiphys::kubelet
