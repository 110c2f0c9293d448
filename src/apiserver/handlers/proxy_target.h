// Where a proxied request goes: nodes, services and pods by the name in the request's path
// ("name", "name:port", "scheme:name:port"). Reads caches; loop thread.
// Upstream: ResourceLocation of pkg/registry/core/{node,service,pod}.
//
// Targets are numeric addresses only: nothing is looked up again when they are dialled
// (CVE-2020-8562). Loopback, link-local, multicast and unspecified addresses are refused.
#pragma once
#include <string>
#include <string_view>

#include "apiserver/handlers/handler_env.h"

namespace tiphys::apiserver {

struct SchemeNamePort {
  std::string_view scheme;  // "", "http", "https"
  std::string_view name;
  std::string_view port;  // name or number, "" if not given
};
std::optional<SchemeNamePort> split_scheme_name_port(std::string_view id);

// True for addresses that a pod, an endpoint or a node may have.
bool is_proxyable_address(std::string_view address);

// "10.0.0.5:80", "[fd00::1]:80"
std::string address_text(const ProxyTarget& target);

// The kubelet of a node: its address by preference, and its port. Errors: NotFound of the node;
// InternalError if it reports no address.
Result<ProxyTarget> kubelet_target(HandlerEnv& env, std::string_view node_name);

// Of a service's endpoints only those count that are pods of its namespace: a node's name server,
// or whatever somebody wrote into a slice, is not reached this way ("Services without selectors" of
// the documentation says so).
// Errors: BadRequest 'invalid node request "a:b:c:d"', "address not allowed"; NotFound;
// ServiceUnavailable 'no endpoints available for service "a"'.
Result<ProxyTarget> node_target(HandlerEnv& env, std::string_view id);
Result<ProxyTarget> pod_target(HandlerEnv& env, std::string_view ns, std::string_view id);
Result<ProxyTarget> service_target(HandlerEnv& env, std::string_view ns, std::string_view id);

}  // namespace tiphys::apiserver
