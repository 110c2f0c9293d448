#include "proxy/conntrack_table.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstring>

#include "base/strings.h"
#include "os/files.h"
#include "os/netlink.h"
#include "proxy/own_addresses.h"

namespace tiphys::proxy {
namespace {

constexpr std::string_view kGone = "netlink: No such file or directory";

struct Tuple {
  std::string_view source;
  std::string_view destination;
  uint8_t protocol = 0;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
};

uint16_t port_of(std::string_view bytes) {
  uint16_t value = 0;
  if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return ntohs(value);
}

void take_protocol(std::string_view list, Tuple& tuple) {
  os::for_each_attribute(list, [&](uint16_t type, std::string_view bytes) {
    if (type == CTA_PROTO_NUM && bytes.size() == 1) tuple.protocol = static_cast<uint8_t>(bytes[0]);
    if (type == CTA_PROTO_SRC_PORT) tuple.source_port = port_of(bytes);
    if (type == CTA_PROTO_DST_PORT) tuple.destination_port = port_of(bytes);
  });
}

Tuple tuple_of(std::string_view list) {
  Tuple tuple;
  os::for_each_attribute(list, [&](uint16_t type, std::string_view part) {
    if (type == CTA_TUPLE_PROTO) take_protocol(part, tuple);
    if (type != CTA_TUPLE_IP) return;
    os::for_each_attribute(part, [&](uint16_t kind, std::string_view bytes) {
      if (kind == CTA_IP_V4_SRC || kind == CTA_IP_V6_SRC) tuple.source = bytes;
      if (kind == CTA_IP_V4_DST || kind == CTA_IP_V6_DST) tuple.destination = bytes;
    });
  });
  return tuple;
}

std::string family_header(Family family) {
  nfgenmsg body{};
  body.nfgen_family = family == Family::kIpv4 ? AF_INET : AF_INET6;
  return {reinterpret_cast<const char*>(&body), sizeof body};
}

// What names a flow in an order to delete it: its attributes as the kernel told them.
struct Doomed {
  std::string original;
  std::string id;
  std::string zone;
};

class Search {
 public:
  Search(const Fronts& fronts, std::set<std::string> local)
      : fronts_(fronts), local_(std::move(local)) {
    for (const auto& [front, targets] : fronts) ports_.insert({front.protocol, front.port});
  }
  void look(const os::NetlinkReply& reply);
  const std::vector<Doomed>& found() const { return found_; }

 private:
  const Fronts& fronts_;
  std::set<std::string> local_;
  std::set<std::pair<uint8_t, uint16_t>> ports_;
  std::vector<Doomed> found_;
};

void Search::look(const os::NetlinkReply& reply) {
  auto original = reply.find(sizeof(nfgenmsg), CTA_TUPLE_ORIG);
  auto answer = reply.find(sizeof(nfgenmsg), CTA_TUPLE_REPLY);
  if (!original || !answer) return;
  Tuple there = tuple_of(*original);
  if (!ports_.contains({there.protocol, there.destination_port})) return;
  Tuple back = tuple_of(*answer);
  auto destination = Address::from_bytes(there.destination);
  auto source = Address::from_bytes(back.source);
  if (!destination || !source) return;
  uint32_t status = 0;
  if (auto bits = reply.find(sizeof(nfgenmsg), CTA_STATUS); bits && bits->size() == 4) {
    std::memcpy(&status, bits->data(), sizeof status);
  }
  Flow flow{.protocol = there.protocol,
            .destination = *destination,
            .port = there.destination_port,
            .answering = {*source, back.source_port},
            .translated = (ntohl(status) & IPS_DST_NAT) != 0};
  if (!is_stale(flow, fronts_, local_)) return;
  std::string id(reply.find(sizeof(nfgenmsg), CTA_ID).value_or(""));
  std::string zone(reply.find(sizeof(nfgenmsg), CTA_ZONE).value_or(""));
  found_.push_back({std::string(*original), std::move(id), std::move(zone)});
}

Result<void> remove(os::NetlinkSocket& socket, const Doomed& flow, Family family) {
  os::NetlinkMessage order((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
                           family_header(family));
  order.add(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.original);
  if (!flow.zone.empty()) order.add(CTA_ZONE, flow.zone);
  if (!flow.id.empty()) order.add(CTA_ID, flow.id);
  Result<void> done = socket.request(order);
  if (!done && done.error().message() == kGone) return {};
  return done;
}

}  // namespace

Result<int> remove_stale_flows(const Fronts& fronts, Family family) {
  if (fronts.empty()) return 0;
  TIPHYS_TRY(os::NetlinkSocket, socket, os::NetlinkSocket::open(NETLINK_NETFILTER));
  Search search(fronts, own_addresses());
  os::NetlinkMessage dump((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, NLM_F_DUMP,
                          family_header(family));
  Result<void> listed =
      socket.request(dump, [&](const os::NetlinkReply& reply) { search.look(reply); });
  if (!listed) return listed.error();
  for (const Doomed& flow : search.found()) {
    Result<void> done = remove(socket, flow, family);
    if (!done) return done.error();
  }
  return static_cast<int>(search.found().size());
}

bool conntrack_is_liberal() {
  auto value = os::read_file("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal", 64);
  return value && trim(*value) != "0";
}

}  // namespace tiphys::proxy
