// Routing: the kernel's IPv4 links, routes, neighbours and VXLAN forwarding, read and changed over
// rtnetlink, of the calling thread's network namespace. Blocks. Addresses are in host order.
// Source: rtnetlink(7), linux/if_link.h (IFLA_VXLAN_*), linux/neighbour.h.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/files.h"

namespace tiphys::os {

using Mac = std::array<uint8_t, 6>;

struct Vxlan {
  uint32_t id = 0;
  uint32_t local = 0;
  int underlay = 0;  // index of the link that packets leave by
  uint16_t port = 0;
  bool operator==(const Vxlan&) const = default;
};

struct LinkAddress {
  uint32_t address = 0;
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

// A unicast route of the main table.
struct Route {
  uint32_t destination = 0;
  int bits = 32;
  uint32_t gateway = 0;  // 0: none
  int link = 0;
  uint8_t protocol = 0;  // who made it (RTPROT_*)
  uint32_t metric = 0;
  bool on_link = false;  // the gateway counts as reachable without a route to it
  bool operator==(const Route&) const = default;
};

struct Neighbour {
  uint32_t address = 0;
  Mac mac{};
  int link = 0;
  bool operator==(const Neighbour&) const = default;
};

// Packets to this MAC leave a VXLAN device for this host.
struct Forward {
  Mac mac{};
  uint32_t host = 0;
  int link = 0;
  bool operator==(const Forward&) const = default;
};

struct Routing {
  std::vector<Link> links;
  std::vector<Route> routes;
  std::vector<Neighbour> neighbours;  // permanent ones
  std::vector<Forward> forwards;
};

Result<Routing> read_routing();
std::string address_text(uint32_t address);  // "10.0.0.1"

// Adding what is there is an error, as is deleting what is not.
Result<void> add_route(const Route& route);
Result<void> delete_route(const Route& route);
Result<void> set_neighbour(const Neighbour& neighbour);  // permanent; replaces
Result<void> delete_neighbour(const Neighbour& neighbour);
Result<void> add_forward(const Forward& forward);
Result<void> delete_forward(const Forward& forward);
// A VXLAN device that doesn't learn, up, with one address.
struct VxlanDevice {
  std::string name;
  Vxlan vxlan;
  int mtu = 0;
  Mac mac{};
  LinkAddress address;
};
Result<void> add_vxlan(const VxlanDevice& device);
Result<void> delete_link(int index);

// A socket (non-blocking) that becomes readable when links, addresses or IPv4 routes change.
Result<Fd> watch_routing();
// Reads it empty; what changed is looked up anew.
void drain_routing(const Fd& fd);

}  // namespace tiphys::os
