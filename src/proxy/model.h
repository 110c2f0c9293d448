// What the proxy knows of the cluster, as plain values: extracted from API objects by
// from_objects.h, turned into rules by service_rules.h. Pure; thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/address.h"

namespace tiphys::proxy {

struct ServicePort {
  std::string name;      // "" for a single unnamed port
  std::string protocol;  // "tcp", "udp" or "sctp"
  uint16_t port = 0;
  uint16_t node_port = 0;  // 0: none
  bool operator==(const ServicePort&) const = default;
};

struct ServiceFacts {
  std::string key;  // "namespace/name"
  std::vector<Address> cluster_ips;
  std::vector<ServicePort> ports;
  std::vector<Address> external_ips;
  std::vector<Address> ingress_ips;  // load balancer, ipMode VIP only
  std::vector<Cidr> source_ranges;   // empty: everybody
  int affinity_seconds = 0;          // 0: no ClientIP affinity
  bool internal_local = false;       // internalTrafficPolicy: Local
  bool external_local = false;       // externalTrafficPolicy: Local
  uint16_t health_check_node_port = 0;
};

struct EndpointFacts {
  Address address;
  bool ready = false;
  bool serving = false;
  bool terminating = false;
  std::string node_name;
  std::vector<std::string> zone_hints;
  std::vector<std::string> node_hints;
};

struct SlicePort {
  std::string name;
  std::string protocol;
  uint16_t port = 0;
};

struct SliceFacts {
  std::vector<SlicePort> ports;  // ports without a number are left out
  std::vector<EndpointFacts> endpoints;
};

struct NodeFacts {
  std::string name;
  std::string zone;
  std::vector<Cidr> pod_cidrs;
  std::vector<Address> addresses;  // InternalIP
  bool deleting = false;           // about to be taken away: load balancers shall not use it
  // The cluster's, whatever the Node: what goes to an address of them that no Service has is
  // dropped. Empty: it isn't. (nftables mode only, as upstream.)
  std::vector<Cidr> service_cidrs;
  bool operator==(const NodeFacts&) const = default;
};

enum class Mode : uint8_t { kNftables, kIptables };

struct Settings {
  std::string table = "tiphys-proxy";
  uint32_t mark_bit = 0x4000;
  std::vector<Cidr> cluster_cidrs;  // sources in them reach a ClusterIP without masquerade
  // Instead of cluster_cidrs: a bridge, or a prefix of interfaces ("veth+") that pods hang on.
  std::string local_interface;
  std::vector<Cidr> node_port_cidrs;  // addresses that serve NodePorts; empty: all but loopback
  bool masquerade_all = false;
  // Without br_netfilter a bridge carries a reply between two pods of this node past conntrack:
  // then such connections are masqueraded, so that the reply comes to the bridge's own address.
  bool masquerade_same_node = false;
  // Connection tracking lets TCP out of its window pass: mode iptables doesn't drop what is INVALID
  // then (kubernetes/kubernetes#117924; mode nftables never does).
  bool conntrack_liberal = false;
};

}  // namespace tiphys::proxy
