#include "kubelet/network/pod_network.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/ip_address.h"
#include "os/files.h"
#include "os/nftables.h"
#include "os/process.h"
#include "os/routing.h"

namespace tiphys::kubelet {
namespace {

std::string json(const std::string& text) {
  std::string out;
  codec::append_json_string(text, out);
  return out;
}

// Turns a switch on; a kernel without it says so once at start.
void set_kernel_switch(const std::string& path) {
  Result<std::string> present = os::read_file(path, 64);
  if (present && trim(*present) == "1") return;
  Result<void> set = os::write_file(path, "1");
  if (!set) LOG_WARNING("Kernel setting can't be changed", {"file", path}, {"err", set.error()});
}

constexpr uint8_t kByRouters = 9;  // RTPROT_RA

// A kernel that forwards forgets what routers told it, unless it is told to believe them.
void warn_of_lost_routers() {
  Result<os::Routing> routing = os::read_routing(os::Family::kIpv6);
  if (!routing) return;
  for (const os::Route& route : routing->routes) {
    if (route.protocol != kByRouters || route.bits != 0) continue;
    for (const os::Link& link : routing->links) {
      if (link.index != route.link) continue;
      Result<std::string> accept =
          os::read_file("/proc/sys/net/ipv6/conf/" + link.name + "/accept_ra", 64);
      if (!accept || trim(*accept) != "1") continue;
      LOG_WARNING(
          "The default route of IPv6 comes by router advertisements, which this node ignores now "
          "that it forwards: it will run out, unless net.ipv6.conf.<link>.accept_ra is 2",
          {"link", link.name});
    }
  }
}

const os::Link* find_link(const os::Routing& routing, const std::string& name) {
  for (const os::Link& link : routing.links) {
    if (link.name == name) return &link;
  }
  return nullptr;
}

bool is_v6(std::string_view cidr) { return cidr.find(':') != cidr.npos; }

std::string masquerade_table(bool v6, const std::string& bridge) {
  return std::string(v6 ? "ip6" : "ip") + " tiphys_masq_" + bridge;
}

os::Family family_of(std::string_view cidr) {
  return is_v6(cidr) ? os::Family::kIpv6 : os::Family::kIpv4;
}

// Of a family's address, other than that of the range. A link-local one is nobody's gateway.
bool is_other(const std::string& address, const std::string& range_text) {
  std::optional<IpPrefix> gateway = parse_cidr(address);
  std::optional<IpPrefix> range = parse_cidr(range_text);
  if (!gateway || !range || gateway->address.is_link_local()) return false;
  return range->bits != gateway->bits || !contains(*range, gateway->address);
}

// The bridge plugin refuses a bridge that has another address, and so would every new pod fail.
Result<void> remove_other_range(const PodNetwork& n, const std::string& range) {
  os::Family family = family_of(range);
  TIPHYS_TRY(os::Routing, routing, os::read_routing(family));
  const os::Link* bridge = find_link(routing, n.bridge);
  if (bridge == nullptr) return {};
  for (const os::LinkAddress& one : bridge->addresses) {
    std::string text = os::address_text(family, one.address) + "/" + std::to_string(one.bits);
    if (!is_other(text, range)) continue;
    bool used = std::ranges::any_of(
        routing.links, [&](const os::Link& link) { return link.master == bridge->index; });
    if (!used) return os::delete_link(bridge->index);
    return ApiStatus::internal("the node's pod range is " + join(n.pod_cidrs, ",") +
                               " now, but pods with addresses of the bridge's range " + text +
                               " still run: drain the node");
  }
  return {};
}

Result<void> run_ip(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"ip"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Result<os::CommandResult> done = os::run_command(command);
  if (!done) return done.error();
  if (done->status != 0) return ApiStatus::internal("ip: " + std::string(trim(done->err)));
  return {};
}

// A bridge that was never given an address takes the lowest of its ports': it changes when pods
// come and go. The others then send to a gateway that is gone, which the bridge floods; the node's
// NAT sees that packet as one that stays on the bridge, and lets the whole connection pass as it
// is.
Result<void> keep_mac(const std::string& bridge) {
  TIPHYS_TRY(os::Routing, routing, os::read_routing(os::Family::kIpv4));
  const os::Link* link = find_link(routing, bridge);
  if (link == nullptr) return ApiStatus::internal("bridge " + bridge + " is gone");
  char text[18];
  const os::Mac& m = link->mac;
  (void)snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
                 m[5]);
  return run_ip({"link", "set", bridge, "address", text});
}

// As the bridge plugin makes it for the first pod. Here without waiting for one: the node's name
// server has the bridge's address, and is asked from other nodes too.
Result<void> make_bridge(const PodNetwork& n) {
  TIPHYS_TRY(os::Routing, routing, os::read_routing(os::Family::kIpv4));
  const os::Link* present = find_link(routing, n.bridge);
  if (present != nullptr && present->mac == os::Mac{}) {  // the last port took it along
    Result<void> gone = os::delete_link(present->index);
    if (!gone) return gone;
    present = nullptr;
  }
  if (present == nullptr) {
    Result<void> made = run_ip({"link", "add", n.bridge, "type", "bridge"});
    if (!made) return made;
  }
  Result<void> kept = keep_mac(n.bridge);
  if (!kept) return kept;
  for (const std::string& pods : n.pod_cidrs) {
    std::optional<IpPrefix> range = parse_cidr(pods);
    if (!range) continue;
    IpAddress first = masked(*range);
    first.bytes[first.v6 ? 15 : 3] |= 1;
    std::string address = canonical_text(first) + "/" + std::to_string(range->bits);
    std::vector<std::string> words = {"address", "replace", address, "dev", n.bridge};
    if (first.v6) words.emplace_back("nodad");  // else it is of no use before the first pod
    Result<void> set = run_ip(words);
    if (!set) return set;
  }
  return run_ip({"link", "set", n.bridge, "up"});
}

bool is_bridge_name(const std::string& name) {
  return !name.empty() && name.size() <= 15 &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string::npos;
}

// Any pod could say that it is a router, and get its neighbours' traffic (CVE-2020-10749): the
// bridge plugin sees to the node, this to the pods.
constexpr char kNoRouters[] =
    ",\n{\"type\":\"tuning\",\"sysctl\":{\"net.ipv6.conf.eth0.accept_ra\":\"0\"}}";

}  // namespace

std::vector<std::string> ranges_of(std::string_view list) {
  std::vector<std::string> ranges;
  for (std::string_view range : split(list, ',')) {
    if (!trim(range).empty()) ranges.emplace_back(trim(range));
  }
  return ranges;
}

std::string cni_configuration(const PodNetwork& n) {
  std::string mtu = n.mtu > 0 ? "\"mtu\":" + std::to_string(n.mtu) + "," : "";
  std::string ranges;
  for (const std::string& cidr : n.pod_cidrs) {
    ranges += std::string(ranges.empty() ? "" : ",") + "[{\"subnet\":" + json(cidr) + "}]";
  }
  return "{\"cniVersion\":\"1.0.0\",\"name\":" + json(n.bridge) +
         ",\"plugins\":[\n{\"type\":\"bridge\",\"bridge\":" + json(n.bridge) +
         ",\"isGateway\":true,\"isDefaultGateway\":true,\"ipMasq\":false,\"hairpinMode\":true," +
         mtu + "\n\"ipam\":{\"type\":\"host-local\",\"ranges\":[" + ranges +
         "],\"dataDir\":" + json(n.cni_folder + "/ipam") +
         "}},\n{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}" +
         (std::ranges::any_of(n.pod_cidrs, is_v6) ? kNoRouters : "") + "]}\n";
}

std::vector<std::string> masquerade_tables(const PodNetwork& n) {
  std::vector<std::string> tables;
  for (const std::string& pods : n.pod_cidrs) {
    tables.push_back(masquerade_table(is_v6(pods), n.bridge));
  }
  return tables;
}

std::string masquerade_rules(const PodNetwork& n) {
  std::string rules;
  for (const std::string& pods : n.pod_cidrs) {
    std::string ip = is_v6(pods) ? "ip6" : "ip";
    std::string table = masquerade_table(is_v6(pods), n.bridge);
    std::string cluster = pods;
    for (const std::string& range : n.cluster_cidrs) {
      if (is_v6(range) == is_v6(pods)) cluster = range;
    }
    std::string multicast = is_v6(pods) ? "ff00::/8" : "224.0.0.0/4";
    rules += "table " + table + " {}\ndelete table " + table + "\ntable " + table +
             " {\n chain postrouting {\n  type nat hook postrouting priority srcnat; policy "
             "accept;\n  " +
             ip + " saddr " + pods + " " + ip + " daddr != " + cluster + " " + ip +
             " daddr != " + multicast + " oifname != \"" + n.bridge + "\" masquerade\n }\n}\n";
  }
  return rules;
}

Result<void> apply_pod_network(const PodNetwork& n) {
  if (!is_bridge_name(n.bridge)) {
    return ApiStatus::bad_request("invalid bridge name " + go_quote(n.bridge));
  }
  Result<void> done;
  for (const std::string& range : n.pod_cidrs) {
    if (done) done = remove_other_range(n, range);
  }
  if (done) done = make_bridge(n);
  if (done) done = os::make_dirs(n.cni_folder + "/net.d");
  if (!done) return done;
  std::string path = n.cni_folder + "/net.d/10-tiphys.conflist";
  std::string text = cni_configuration(n);
  Result<std::string> present = os::read_file(path);
  if (!present || *present != text) {
    done = os::write_file_atomic(path, text);
    if (!done) return done;
  }
  // Answers of a service's pod to a pod on the same bridge must pass the node's NAT.
  bool bridged = os::exists("/proc/sys/net/bridge");
  for (const std::string& pods : n.pod_cidrs) {
    set_kernel_switch(is_v6(pods) ? "/proc/sys/net/ipv6/conf/all/forwarding"
                                  : "/proc/sys/net/ipv4/ip_forward");
    std::string program = is_v6(pods) ? "ip6tables" : "iptables";
    if (bridged) set_kernel_switch("/proc/sys/net/bridge/bridge-nf-call-" + program);
  }
  if (std::ranges::any_of(n.pod_cidrs, is_v6)) warn_of_lost_routers();
  return os::nft_apply(masquerade_rules(n));
}

Result<void> remove_pod_network(const std::string& bridge) {
  if (!is_bridge_name(bridge)) return ApiStatus::bad_request("invalid bridge name");
  TIPHYS_TRY(os::Routing, routing, os::read_routing(os::Family::kIpv4));
  if (const os::Link* found = find_link(routing, bridge)) {
    for (const os::Link& link : routing.links) {
      if (link.master == found->index) (void)os::delete_link(link.index);
    }
    Result<void> done = os::delete_link(found->index);
    if (!done) return done;
  }
  // A kernel without IPv6 has no such table.
  std::string wide = masquerade_table(true, bridge);
  (void)os::nft_apply("table " + wide + " {}\ndelete table " + wide + "\n");
  std::string table = masquerade_table(false, bridge);
  return os::nft_apply("table " + table + " {}\ndelete table " + table + "\n");
}

}  // namespace tiphys::kubelet
