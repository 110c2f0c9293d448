// Records: what the cluster's names stand for: Services and their endpoints, by name and by
// address. Kept up to date service by service; a look-up is one hash of the name's middle.
//
// Loop thread only. What find() returns lives until the next change.
// Source: Kubernetes DNS-Based Service Discovery 1.1.0
// (https://github.com/kubernetes/dns/blob/master/docs/specification.md); what it leaves open is as
// CoreDNS' kubernetes plugin has it (pods insecure).
#pragma once
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dns/name.h"
#include "kinds/ip_address.h"

namespace tiphys::dns {

struct Port {
  std::string name;      // "": it has no SRV record of its own
  std::string protocol;  // "tcp", "udp", "sctp"
  uint16_t number = 0;
};

struct Endpoint {
  IpAddress address;
  std::string host;  // its hostname, else its address with dashes
};

// What is told of one Service; made by service_records() of from_objects.h.
struct ServiceRecords {
  enum class Kind : uint8_t { kClusterIp, kHeadless, kExternalName };
  struct PortTarget {
    uint32_t endpoint = 0;
    uint16_t port = 0;
  };
  // A port that endpoints have, and which.
  struct EndpointPort {
    Port port;
    std::vector<PortTarget> targets;
  };

  Kind kind = Kind::kClusterIp;
  std::string key;                    // "name.namespace", lower case
  std::string wire;                   // name and namespace as labels in wire form, without root
  std::vector<IpAddress> addresses;   // its own; of a headless one those of its endpoints
  std::vector<Port> ports;            // its own
  std::optional<Name> external_name;  // kExternalName, if it is a name
  std::vector<Endpoint> endpoints;    // ready ones, each address and host once
  std::vector<EndpointPort> endpoint_ports;
  std::unordered_multimap<std::string_view, uint32_t> by_host;  // views of endpoints' hosts

  bool headless() const { return kind == Kind::kHeadless; }
};

// What a name below the cluster's zone leads to.
struct Match {
  enum class What : uint8_t {
    kNothing,   // NXDOMAIN
    kEmpty,     // the name is there, or names below it, without records
    kApex,      // the zone itself
    kVersion,   // dns-version
    kServer,    // ns.dns: the name server
    kPod,       // a-b-c-d.NAMESPACE.pod
    kService,   // NAME.NAMESPACE.svc
    kEndpoint,  // HOST.NAME.NAMESPACE.svc
    kPort,      // _PORT._PROTOCOL.NAME.NAMESPACE.svc
  };
  What what = What::kNothing;
  const ServiceRecords* service = nullptr;
  std::string_view host;  // views of the name that was asked for
  std::string_view port;
  std::string_view protocol;
  IpAddress pod;
};

class Records {
 public:
  // `zone`: the cluster's domain.
  explicit Records(Name zone) : zone_(zone) {}
  const Name& zone() const { return zone_; }

  // Replaces what is known of records->key.
  void set(std::unique_ptr<ServiceRecords> records);
  void erase(std::string_view key);
  void add_namespace(std::string name) { namespaces_.insert(std::move(name)); }
  void erase_namespace(const std::string& name) { namespaces_.erase(name); }
  size_t service_count() const { return services_.size(); }

  // Requires: name.is_below_or_at(zone()).
  Match find(const Name& name) const;
  const ServiceRecords* service(std::string_view key) const;

  // Who has an address: a Service, or one of its endpoints.
  struct Holder {
    const ServiceRecords* service = nullptr;
    std::optional<uint32_t> endpoint;  // nothing: the Service's own address
  };
  // The Service's own alone, if there is one.
  const std::vector<Holder>* holders(const IpAddress& address) const;

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct AddressHash {
    size_t operator()(const IpAddress& address) const {
      return std::hash<std::string_view>()(
          {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
    }
  };
  Match find_below_service(const Name& name, size_t labels, const ServiceRecords& service) const;
  void index(const ServiceRecords& service);
  void unindex(const ServiceRecords& service);
  void unindex(const ServiceRecords& service, const IpAddress& address);

  Name zone_;
  std::unordered_map<std::string, std::unique_ptr<ServiceRecords>, TextHash, std::equal_to<>>
      services_;
  std::unordered_set<std::string, TextHash, std::equal_to<>> namespaces_;
  std::unordered_map<IpAddress, std::vector<Holder>, AddressHash> holders_;
};

// "10-0-0-1" or "2001-db8--1" as an address; nothing: it is none.
std::optional<IpAddress> dashed_address(std::string_view label);
std::string dashed(const IpAddress& address);

// The address, or the beginning of one, of a name below in-addr.arpa or ip6.arpa.
struct ReverseName {
  IpPrefix prefix;
  bool whole() const { return prefix.bits == (prefix.address.v6 ? 128 : 32); }
};
std::optional<ReverseName> reverse_name(const Name& name);

}  // namespace tiphys::dns
