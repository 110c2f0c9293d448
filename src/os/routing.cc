#include "os/routing.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/netlink.h"

namespace tiphys::os {
namespace {

constexpr uint16_t kAdd = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
constexpr uint16_t kSet = NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Zero if it is shorter than T.
template <class T>
T read_as(std::string_view bytes) {
  T value{};
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

uint32_t address_in(const NetlinkReply& reply, size_t offset, uint16_t attribute) {
  return ntohl(read_as<uint32_t>(reply.find(offset, attribute).value_or("")));
}
uint32_t number_in(const NetlinkReply& reply, size_t offset, uint16_t attribute) {
  return read_as<uint32_t>(reply.find(offset, attribute).value_or(""));
}
Mac mac_in(const NetlinkReply& reply, size_t offset, uint16_t attribute) {
  return read_as<Mac>(reply.find(offset, attribute).value_or(""));
}

std::optional<Vxlan> vxlan_in(std::string_view info) {
  std::string_view kind;
  std::string_view data;
  for_each_attribute(info, [&](uint16_t type, std::string_view bytes) {
    if (type == IFLA_INFO_KIND) kind = bytes.substr(0, bytes.find('\0'));
    if (type == IFLA_INFO_DATA) data = bytes;
  });
  if (kind != "vxlan") return std::nullopt;
  Vxlan out;
  for_each_attribute(data, [&](uint16_t type, std::string_view bytes) {
    if (type == IFLA_VXLAN_ID) out.id = read_as<uint32_t>(bytes);
    if (type == IFLA_VXLAN_LOCAL) out.local = ntohl(read_as<uint32_t>(bytes));
    if (type == IFLA_VXLAN_LINK) out.underlay = read_as<int>(bytes);
    if (type == IFLA_VXLAN_PORT) out.port = ntohs(read_as<uint16_t>(bytes));
  });
  return out;
}

void take_link(const NetlinkReply& reply, Routing& out) {
  if (reply.type != RTM_NEWLINK || reply.body.size() < sizeof(ifinfomsg)) return;
  auto head = read_as<ifinfomsg>(reply.body);
  Link link{.index = head.ifi_index,
            .mtu = static_cast<int>(number_in(reply, sizeof head, IFLA_MTU)),
            .up = (head.ifi_flags & IFF_UP) != 0,
            .loopback = (head.ifi_flags & IFF_LOOPBACK) != 0,
            .master = static_cast<int>(number_in(reply, sizeof head, IFLA_MASTER)),
            .mac = mac_in(reply, sizeof head, IFLA_ADDRESS)};
  std::string_view name = reply.find(sizeof head, IFLA_IFNAME).value_or("");
  link.name = name.substr(0, name.find('\0'));
  if (auto info = reply.find(sizeof head, IFLA_LINKINFO)) link.vxlan = vxlan_in(*info);
  out.links.push_back(std::move(link));
}

void take_address(const NetlinkReply& reply, Routing& out) {
  if (reply.type != RTM_NEWADDR || reply.body.size() < sizeof(ifaddrmsg)) return;
  auto head = read_as<ifaddrmsg>(reply.body);
  uint16_t which = reply.find(sizeof head, IFA_LOCAL) ? IFA_LOCAL : IFA_ADDRESS;
  for (Link& link : out.links) {
    if (link.index != static_cast<int>(head.ifa_index)) continue;
    link.addresses.push_back({address_in(reply, sizeof head, which), head.ifa_prefixlen});
  }
}

void take_route(const NetlinkReply& reply, Routing& out) {
  if (reply.type != RTM_NEWROUTE || reply.body.size() < sizeof(rtmsg)) return;
  auto head = read_as<rtmsg>(reply.body);
  uint32_t table = head.rtm_table;
  if (auto wide = reply.find(sizeof head, RTA_TABLE)) table = read_as<uint32_t>(*wide);
  if (table != RT_TABLE_MAIN || head.rtm_type != RTN_UNICAST) return;
  out.routes.push_back({.destination = address_in(reply, sizeof head, RTA_DST),
                        .bits = head.rtm_dst_len,
                        .gateway = address_in(reply, sizeof head, RTA_GATEWAY),
                        .link = static_cast<int>(number_in(reply, sizeof head, RTA_OIF)),
                        .protocol = head.rtm_protocol,
                        .metric = number_in(reply, sizeof head, RTA_PRIORITY),
                        .on_link = (head.rtm_flags & RTNH_F_ONLINK) != 0});
}

void take_neighbour(const NetlinkReply& reply, Routing& out) {
  if (reply.type != RTM_NEWNEIGH || reply.body.size() < sizeof(ndmsg)) return;
  auto head = read_as<ndmsg>(reply.body);
  if (!(head.ndm_state & NUD_PERMANENT)) return;
  Mac mac = mac_in(reply, sizeof head, NDA_LLADDR);
  uint32_t address = address_in(reply, sizeof head, NDA_DST);
  if (head.ndm_family == AF_INET) out.neighbours.push_back({address, mac, head.ndm_ifindex});
  bool forwards = head.ndm_family == AF_BRIDGE && (head.ndm_flags & NTF_SELF) && address != 0;
  if (forwards) out.forwards.push_back({mac, address, head.ndm_ifindex});
}

using Take = void (*)(const NetlinkReply&, Routing&);

template <class Head>
Result<void> dump(NetlinkSocket& socket, uint16_t type, Head head, Take take, Routing& out) {
  NetlinkMessage message(type, NLM_F_DUMP, bytes_of(head));
  return socket.request(message, [&](const NetlinkReply& reply) { take(reply, out); });
}

Result<void> order(const NetlinkMessage& message, const std::string& what) {
  TIPHYS_TRY(NetlinkSocket, socket, NetlinkSocket::open(NETLINK_ROUTE));
  Result<void> done = socket.request(message);
  if (!done) return ApiStatus::internal(what + ": " + done.error().message());
  return {};
}

NetlinkMessage route_message(uint16_t type, uint16_t flags, const Route& route) {
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = static_cast<uint8_t>(route.bits);
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = route.protocol;
  head.rtm_scope = route.gateway == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  head.rtm_type = RTN_UNICAST;
  if (route.on_link) head.rtm_flags = RTNH_F_ONLINK;
  NetlinkMessage message(type, flags, bytes_of(head));
  message.add_be32(RTA_DST, route.destination);
  if (route.gateway != 0) message.add_be32(RTA_GATEWAY, route.gateway);
  message.add_u32(RTA_OIF, static_cast<uint32_t>(route.link));
  if (route.metric != 0) message.add_u32(RTA_PRIORITY, route.metric);
  return message;
}

NetlinkMessage neighbour_message(uint16_t type, uint16_t flags, uint8_t family, int link,
                                 uint32_t address, const Mac& mac) {
  ndmsg head{};
  head.ndm_family = family;
  head.ndm_ifindex = link;
  head.ndm_state = NUD_PERMANENT;
  head.ndm_flags = family == AF_BRIDGE ? NTF_SELF : 0;
  NetlinkMessage message(type, flags, bytes_of(head));
  message.add_be32(NDA_DST, address);
  message.add(NDA_LLADDR, bytes_of(mac));
  return message;
}

NetlinkMessage vxlan_message(const VxlanDevice& device) {
  ifinfomsg head{};
  NetlinkMessage message(RTM_NEWLINK, kAdd, bytes_of(head));
  message.add_text(IFLA_IFNAME, device.name);
  message.add_u32(IFLA_MTU, static_cast<uint32_t>(device.mtu));
  message.add(IFLA_ADDRESS, bytes_of(device.mac));
  size_t info = message.begin(IFLA_LINKINFO);
  message.add_text(IFLA_INFO_KIND, "vxlan");
  size_t data = message.begin(IFLA_INFO_DATA);
  message.add_u32(IFLA_VXLAN_ID, device.vxlan.id);
  message.add_be32(IFLA_VXLAN_LOCAL, device.vxlan.local);
  message.add_u32(IFLA_VXLAN_LINK, static_cast<uint32_t>(device.vxlan.underlay));
  message.add(IFLA_VXLAN_PORT, bytes_of(htons(device.vxlan.port)));
  message.add(IFLA_VXLAN_LEARNING, std::string_view("\0", 1));
  message.end(data);
  message.end(info);
  return message;
}

Result<void> set_up(const VxlanDevice& device, int index) {
  ifaddrmsg address{};
  address.ifa_family = AF_INET;
  address.ifa_prefixlen = static_cast<uint8_t>(device.address.bits);
  address.ifa_index = static_cast<uint32_t>(index);
  NetlinkMessage add(RTM_NEWADDR, kSet, bytes_of(address));
  add.add_be32(IFA_LOCAL, device.address.address);
  add.add_be32(IFA_ADDRESS, device.address.address);
  if (Result<void> added = order(add, "address of " + device.name); !added) return added;
  ifinfomsg head{};
  head.ifi_index = index;
  head.ifi_flags = IFF_UP;
  head.ifi_change = IFF_UP;
  return order(NetlinkMessage(RTM_NEWLINK, NLM_F_ACK, bytes_of(head)), "up " + device.name);
}

}  // namespace

std::string address_text(uint32_t address) {
  in_addr bytes{.s_addr = htonl(address)};
  char text[INET_ADDRSTRLEN] = {};
  return ::inet_ntop(AF_INET, &bytes, text, sizeof text);
}

Result<Routing> read_routing() {
  TIPHYS_TRY(NetlinkSocket, socket, NetlinkSocket::open(NETLINK_ROUTE));
  Routing out;
  Result<void> done = dump(socket, RTM_GETLINK, ifinfomsg{}, take_link, out);
  if (done) done = dump(socket, RTM_GETADDR, ifaddrmsg{.ifa_family = AF_INET}, take_address, out);
  if (done) done = dump(socket, RTM_GETROUTE, rtmsg{.rtm_family = AF_INET}, take_route, out);
  if (done) done = dump(socket, RTM_GETNEIGH, ndmsg{.ndm_family = AF_INET}, take_neighbour, out);
  if (done) done = dump(socket, RTM_GETNEIGH, ndmsg{.ndm_family = AF_BRIDGE}, take_neighbour, out);
  if (!done) return done.error();
  return out;
}

Result<void> add_route(const Route& route) {
  return order(route_message(RTM_NEWROUTE, kAdd, route), "add route");
}
Result<void> delete_route(const Route& route) {
  return order(route_message(RTM_DELROUTE, NLM_F_ACK, route), "delete route");
}
Result<void> set_neighbour(const Neighbour& n) {
  return order(neighbour_message(RTM_NEWNEIGH, kSet, AF_INET, n.link, n.address, n.mac),
               "add neighbour");
}
Result<void> delete_neighbour(const Neighbour& n) {
  return order(neighbour_message(RTM_DELNEIGH, NLM_F_ACK, AF_INET, n.link, n.address, n.mac),
               "delete neighbour");
}
Result<void> add_forward(const Forward& f) {
  return order(neighbour_message(RTM_NEWNEIGH, kAdd, AF_BRIDGE, f.link, f.host, f.mac),
               "add forward");
}
Result<void> delete_forward(const Forward& f) {
  return order(neighbour_message(RTM_DELNEIGH, NLM_F_ACK, AF_BRIDGE, f.link, f.host, f.mac),
               "delete forward");
}

Result<void> add_vxlan(const VxlanDevice& device) {
  Result<void> made = order(vxlan_message(device), "add " + device.name);
  if (!made) return made;
  auto index = static_cast<int>(::if_nametoindex(device.name.c_str()));
  if (index == 0) return ApiStatus::os_error(device.name, errno);
  return set_up(device, index);
}

Result<void> delete_link(int index) {
  ifinfomsg head{};
  head.ifi_index = index;
  return order(NetlinkMessage(RTM_DELLINK, NLM_F_ACK, bytes_of(head)), "delete link");
}

Result<Fd> watch_routing() {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd.valid()) return ApiStatus::os_error("netlink socket", errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return ApiStatus::os_error("netlink bind", errno);
  }
  return fd;
}

// An overrun (ENOBUFS) is a change like any other.
void drain_routing(const Fd& fd) {
  std::array<char, 8192> buffer;
  while (true) {
    ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno != EINTR && errno != ENOBUFS) return;
  }
}

}  // namespace tiphys::os
