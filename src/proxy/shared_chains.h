// Chains that all services share: they spread over N endpoints, and translate to the I-th endpoint
// of whatever address a packet came for. What belongs to a service are elements of maps only, so
// that a table of 10,000 services has a handful of chains.
//
//   spread-N            one of endpoint-0 ... endpoint-(N-1), at random
//   endpoint-I          dnat by map endpoints-I (of an address) or nodeport-endpoints-I
//   local-spread-N, local-endpoint-I, local-endpoints-I: the same over endpoints of this node
//   external-N          from outside: masqueraded, then spread-N
//   external-local-N-M  from outside under policy Local: own pods and this node use all N
//                       endpoints, the others the M local ones and keep their source address
// Pure; thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/model.h"

namespace tiphys::proxy {

struct SharedChain {
  enum class Kind : uint8_t {
    kEndpoint,
    kLocalEndpoint,
    kSpread,
    kLocalSpread,
    kExternal,
    kExternalLocal,
  };
  Kind kind = Kind::kSpread;
  uint32_t count = 0;        // endpoints; for kEndpoint, kLocalEndpoint: which one
  uint32_t local_count = 0;  // kExternalLocal only
  auto operator<=>(const SharedChain&) const = default;

  std::string name() const;
  std::vector<std::string> rules(const Settings& settings, Family family) const;
  // Chains and maps that the rules name directly.
  std::vector<SharedChain> needs() const;
  std::vector<std::string> maps() const;
};

// "endpoints-3", "local-endpoints-3", "nodeport-endpoints-3", "nodeport-local-endpoints-3".
std::string endpoint_map(bool node_port, bool local, size_t index);

// Key type of maps by address, protocol and port, or by node port.
std::string front_map_type(bool node_port, Family family);

// Rules for what comes from outside, once it is known where both kinds of traffic go.
// all: chain over all endpoints; local: chain over this node's, "" if there is none.
std::vector<std::string> external_rules(const std::string& all);
std::vector<std::string> external_local_rules(const std::string& all, const std::string& local,
                                              const Settings& settings, Family family);

}  // namespace tiphys::proxy
