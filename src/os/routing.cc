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

int number_of(Family family) { return family == Family::kIpv4 ? AF_INET : AF_INET6; }

// In network order, as many bytes as the family has.
std::string bytes_of(Family family, Address address) {
  std::string out(static_cast<size_t>(address_bits(family)) / 8, '\0');
  for (size_t i = out.size(); i-- > 0; address >>= 8) out[i] = static_cast<char>(address & 255);
  return out;
}
Address read_address(std::string_view bytes) {
  Address out = 0;
  for (char one : bytes.substr(0, sizeof out)) out = out << 8 | static_cast<uint8_t>(one);
  return out;
}
Address address_in(const NetlinkReply& reply, size_t offset, uint16_t attribute) {
  return read_address(reply.find(offset, attribute).value_or(""));
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
    if (type == IFLA_VXLAN_LOCAL || type == IFLA_VXLAN_LOCAL6) out.local = read_address(bytes);
    if (type == IFLA_VXLAN_LOCAL6 || type == IFLA_VXLAN_GROUP6) out.family = Family::kIpv6;
    if (type == IFLA_VXLAN_LINK) out.underlay = read_as<int>(bytes);
    if (type == IFLA_VXLAN_PORT) out.port = ntohs(read_as<uint16_t>(bytes));
  });
  return out;
}

void take_link(const NetlinkReply& reply, Family, Routing& out) {
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

void take_address(const NetlinkReply& reply, Family family, Routing& out) {
  if (reply.type != RTM_NEWADDR || reply.body.size() < sizeof(ifaddrmsg)) return;
  auto head = read_as<ifaddrmsg>(reply.body);
  if (head.ifa_family != number_of(family)) return;  // a kernel without IPv6 shows what it has
  uint16_t which = reply.find(sizeof head, IFA_LOCAL) ? IFA_LOCAL : IFA_ADDRESS;
  for (Link& link : out.links) {
    if (link.index != static_cast<int>(head.ifa_index)) continue;
    link.addresses.push_back({address_in(reply, sizeof head, which), head.ifa_prefixlen});
  }
}

void take_route(const NetlinkReply& reply, Family family, Routing& out) {
  if (reply.type != RTM_NEWROUTE || reply.body.size() < sizeof(rtmsg)) return;
  auto head = read_as<rtmsg>(reply.body);
  uint32_t table = head.rtm_table;
  if (auto wide = reply.find(sizeof head, RTA_TABLE)) table = read_as<uint32_t>(*wide);
  if (table != RT_TABLE_MAIN || head.rtm_type != RTN_UNICAST) return;
  if (head.rtm_family != number_of(family) || (head.rtm_flags & RTM_F_CLONED)) return;
  out.routes.push_back({.destination = address_in(reply, sizeof head, RTA_DST),
                        .bits = head.rtm_dst_len,
                        .gateway = address_in(reply, sizeof head, RTA_GATEWAY),
                        .link = static_cast<int>(number_in(reply, sizeof head, RTA_OIF)),
                        .protocol = head.rtm_protocol,
                        .metric = number_in(reply, sizeof head, RTA_PRIORITY),
                        .on_link = (head.rtm_flags & RTNH_F_ONLINK) != 0});
}

void take_neighbour(const NetlinkReply& reply, Family family, Routing& out) {
  if (reply.type != RTM_NEWNEIGH || reply.body.size() < sizeof(ndmsg)) return;
  auto head = read_as<ndmsg>(reply.body);
  if (!(head.ndm_state & NUD_PERMANENT)) return;
  Mac mac = mac_in(reply, sizeof head, NDA_LLADDR);
  Address address = address_in(reply, sizeof head, NDA_DST);
  if (head.ndm_family == number_of(family)) {
    out.neighbours.push_back({address, mac, head.ndm_ifindex});
  }
  bool forwards = head.ndm_family == AF_BRIDGE && (head.ndm_flags & NTF_SELF) && address != 0;
  if (forwards) out.forwards.push_back({mac, address, head.ndm_ifindex});
}

using Take = void (*)(const NetlinkReply&, Family, Routing&);

// A head of this family: each kind of head begins with it.
template <class Head>
std::string head_of(int family) {
  Head head{};
  auto first = static_cast<uint8_t>(family);
  std::memcpy(&head, &first, sizeof first);
  return std::string(bytes_of(head));
}

struct Question {
  uint16_t type;
  std::string head;
  Take take;
};

Result<void> order(const NetlinkMessage& message, const std::string& what) {
  TIPHYS_TRY(NetlinkSocket, socket, NetlinkSocket::open(NETLINK_ROUTE));
  Result<void> done = socket.request(message);
  if (!done) return ApiStatus::internal(what + ": " + done.error().message());
  return {};
}

NetlinkMessage route_message(uint16_t type, uint16_t flags, Family family, const Route& route) {
  rtmsg head{};
  head.rtm_family = static_cast<uint8_t>(number_of(family));
  head.rtm_dst_len = static_cast<uint8_t>(route.bits);
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = route.protocol;
  head.rtm_scope = route.gateway == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  head.rtm_type = RTN_UNICAST;
  if (route.on_link) head.rtm_flags = RTNH_F_ONLINK;
  NetlinkMessage message(type, flags, bytes_of(head));
  message.add(RTA_DST, bytes_of(family, route.destination));
  if (route.gateway != 0) message.add(RTA_GATEWAY, bytes_of(family, route.gateway));
  message.add_u32(RTA_OIF, static_cast<uint32_t>(route.link));
  if (route.metric != 0) message.add_u32(RTA_PRIORITY, route.metric);
  return message;
}

NetlinkMessage neighbour_message(uint16_t type, uint16_t flags, Family family,
                                 const Neighbour& neighbour, bool forwards) {
  ndmsg head{};
  head.ndm_family = static_cast<uint8_t>(forwards ? AF_BRIDGE : number_of(family));
  head.ndm_ifindex = neighbour.link;
  head.ndm_state = NUD_PERMANENT;
  head.ndm_flags = forwards ? NTF_SELF : 0;
  NetlinkMessage message(type, flags, bytes_of(head));
  message.add(NDA_DST, bytes_of(family, neighbour.address));
  message.add(NDA_LLADDR, bytes_of(neighbour.mac));
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
  bool v6 = device.vxlan.family == Family::kIpv6;
  message.add(v6 ? IFLA_VXLAN_LOCAL6 : IFLA_VXLAN_LOCAL,
              bytes_of(device.vxlan.family, device.vxlan.local));
  message.add_u32(IFLA_VXLAN_LINK, static_cast<uint32_t>(device.vxlan.underlay));
  message.add(IFLA_VXLAN_PORT, bytes_of(htons(device.vxlan.port)));
  message.add(IFLA_VXLAN_LEARNING, std::string_view("\0", 1));
  message.end(data);
  message.end(info);
  return message;
}

Result<void> set_up(const VxlanDevice& device, int index) {
  ifaddrmsg address{};
  address.ifa_family = static_cast<uint8_t>(number_of(device.vxlan.family));
  address.ifa_flags = IFA_F_NODAD;  // nobody else is on it
  address.ifa_prefixlen = static_cast<uint8_t>(device.address.bits);
  address.ifa_index = static_cast<uint32_t>(index);
  NetlinkMessage add(RTM_NEWADDR, kSet, bytes_of(address));
  std::string bytes = bytes_of(device.vxlan.family, device.address.address);
  add.add(IFA_LOCAL, bytes);
  add.add(IFA_ADDRESS, bytes);
  if (Result<void> added = order(add, "address of " + device.name); !added) return added;
  ifinfomsg head{};
  head.ifi_index = index;
  head.ifi_flags = IFF_UP;
  head.ifi_change = IFF_UP;
  return order(NetlinkMessage(RTM_NEWLINK, NLM_F_ACK, bytes_of(head)), "up " + device.name);
}

}  // namespace

std::string address_text(Family family, Address address) {
  char text[INET6_ADDRSTRLEN] = {};
  return ::inet_ntop(number_of(family), bytes_of(family, address).data(), text, sizeof text);
}

Result<Routing> read_routing(Family family) {
  TIPHYS_TRY(NetlinkSocket, socket, NetlinkSocket::open(NETLINK_ROUTE));
  Routing out;
  int number = number_of(family);
  for (const Question& question :
       {Question{RTM_GETLINK, head_of<ifinfomsg>(AF_UNSPEC), take_link},
        Question{RTM_GETADDR, head_of<ifaddrmsg>(number), take_address},
        Question{RTM_GETROUTE, head_of<rtmsg>(number), take_route},
        Question{RTM_GETNEIGH, head_of<ndmsg>(number), take_neighbour},
        Question{RTM_GETNEIGH, head_of<ndmsg>(AF_BRIDGE), take_neighbour}}) {
    NetlinkMessage message(question.type, NLM_F_DUMP, question.head);
    Result<void> done = socket.request(
        message, [&](const NetlinkReply& reply) { question.take(reply, family, out); });
    if (!done) return done.error();
  }
  return out;
}

Result<void> add_route(Family family, const Route& route) {
  return order(route_message(RTM_NEWROUTE, kAdd, family, route), "add route");
}
Result<void> delete_route(Family family, const Route& route) {
  return order(route_message(RTM_DELROUTE, NLM_F_ACK, family, route), "delete route");
}
Result<void> set_neighbour(Family family, const Neighbour& n) {
  return order(neighbour_message(RTM_NEWNEIGH, kSet, family, n, false), "add neighbour");
}
Result<void> delete_neighbour(Family family, const Neighbour& n) {
  return order(neighbour_message(RTM_DELNEIGH, NLM_F_ACK, family, n, false), "delete neighbour");
}
Result<void> add_forward(Family family, const Forward& f) {
  Neighbour as{f.host, f.mac, f.link};
  return order(neighbour_message(RTM_NEWNEIGH, kAdd, family, as, true), "add forward");
}
Result<void> delete_forward(Family family, const Forward& f) {
  Neighbour as{f.host, f.mac, f.link};
  return order(neighbour_message(RTM_DELNEIGH, NLM_F_ACK, family, as, true), "delete forward");
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
  address.nl_groups =
      RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE;
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
