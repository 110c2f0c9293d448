// Routing: the kernel's links, routes, neighbours and VXLAN forwarding of one family of addresses,
// read and changed over rtnetlink, of the calling thread's network namespace. Blocks.
// Source: rtnetlink(7), linux/if_link.h (IFLA_VXLAN_*), linux/neighbour.h.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/files.h"
#include "os/interfaces.h"

namespace tiphys::os {

using Mac = std::array<uint8_t, 6>;
// In host order; of IPv4 the lowest 32 bits. Its family is told beside it.
__extension__ using Address = unsigned __int128;
inline constexpr int address_bits(Family family) { return family == Family::kIpv4 ? 32 : 128; }

struct Vxlan {
  Family family = Family::kIpv4;  // of the addresses that it tunnels over
  uint32_t id = 0;
  Address local = 0;
  int underlay = 0;  // index of the link that packets leave by
  uint16_t port = 0;
  bool operator==(const Vxlan&) const = default;
};

struct LinkAddress {
  Address address = 0;
  int bits = 32;
  bool operator==(const LinkAddress&) const = default;
};

struct Link {
  int index = 0;
  std::string name;
  int mtu = 0;
  bool up = false;
  bool loopback = false;
  int master = 0;  // the bridge that it is a port of; 0: none
  Mac mac{};
  std::optional<Vxlan> vxlan;
  std::vector<LinkAddress> addresses;
};

inline constexpr uint32_t kMetricV6 = 1024;

// A unicast route of the main table.
struct Route {
  Address destination = 0;
  int bits = 32;
  Address gateway = 0;  // 0: none
  int link = 0;
  uint8_t protocol = 0;  // who made it (RTPROT_*)
  uint32_t metric = 0;   // of IPv6 never 0: the kernel's own is kMetricV6
  bool on_link = false;  // the gateway counts as reachable without a route to it
  bool operator==(const Route&) const = default;
};

struct Neighbour {
  Address address = 0;
  Mac mac{};
  int link = 0;
  bool operator==(const Neighbour&) const = default;
};

// Packets to this MAC leave a VXLAN device for this host.
struct Forward {
  Mac mac{};
  Address host = 0;
  int link = 0;
  bool operator==(const Forward&) const = default;
};

struct Routing {
  std::vector<Link> links;  // with their addresses of the family
  std::vector<Route> routes;
  std::vector<Neighbour> neighbours;  // permanent ones
  std::vector<Forward> forwards;      // of both families' devices
};

Result<Routing> read_routing(Family family);
std::string address_text(Family family, Address address);  // "10.0.0.1", "fd00::1"

// Adding what is there is an error, as is deleting what is not.
Result<void> add_route(Family family, const Route& route);
Result<void> delete_route(Family family, const Route& route);
Result<void> set_neighbour(Family family, const Neighbour& neighbour);  // permanent; replaces
Result<void> delete_neighbour(Family family, const Neighbour& neighbour);
Result<void> add_forward(Family family, const Forward& forward);
Result<void> delete_forward(Family family, const Forward& forward);
// A VXLAN device that doesn't learn, up, with one address of the family that it tunnels over.
struct VxlanDevice {
  std::string name;
  Vxlan vxlan;
  int mtu = 0;
  Mac mac{};
  LinkAddress address;
};
Result<void> add_vxlan(const VxlanDevice& device);
Result<void> delete_link(int index);

// A socket (non-blocking) that becomes readable when links, addresses or routes change.
Result<Fd> watch_routing();
// Reads it empty; what changed is looked up anew.
void drain_routing(const Fd& fd);

}  // namespace tiphys::os
