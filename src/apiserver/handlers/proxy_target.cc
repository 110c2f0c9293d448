#include "apiserver/handlers/proxy_target.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/random.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "kinds/discovery_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr uint16_t kKubeletPort = 10250;
constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;
// Names are no addresses here: we run without DNS of nodes.
constexpr std::string_view kNodeAddressTypes[] = {"InternalIP", "ExternalIP"};

Result<ObjectPtr> get_core(HandlerEnv& env, std::string_view resource, std::string_view ns,
                           std::string_view name) {
  return env.registry->get(*schema::find_resource("", "v1", resource), ns, name);
}

ApiStatus not_allowed() { return ApiStatus::bad_request("address not allowed"); }

ApiStatus no_endpoints(std::string_view id) {
  return ApiStatus::service_unavailable("no endpoints available for service " + go_quote(id));
}

bool is_allowed_v4(const in_addr& address) {
  uint32_t bits = ntohl(address.s_addr);
  bool loopback = bits >> 24 == 127;
  bool link_local = bits >> 16 == 0xa9fe;
  bool multicast = bits >> 28 == 14;
  return bits != 0 && bits != 0xffffffff && !loopback && !link_local && !multicast;
}

bool is_allowed_v6(const in6_addr& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    in_addr inner;
    std::copy_n(address.s6_addr + 12, 4, reinterpret_cast<uint8_t*>(&inner));
    return is_allowed_v4(inner);
  }
  return !IN6_IS_ADDR_UNSPECIFIED(&address) && !IN6_IS_ADDR_LOOPBACK(&address) &&
         !IN6_IS_ADDR_LINKLOCAL(&address) && !IN6_IS_ADDR_MULTICAST(&address);
}

Result<uint16_t> port_number(std::string_view text) {
  auto number = parse_uint(text);
  if (number && *number >= 1 && *number <= 65535) return static_cast<uint16_t>(*number);
  return ApiStatus::service_unavailable("error trying to reach service: dial tcp: lookup tcp/" +
                                        std::string(text) + ": unknown port");
}

std::string first_container_port(core_v1::Pod pod) {
  for (core_v1::Container container : pod.spec().containers()) {
    if (!container.ports().empty()) return std::to_string(container.ports()[0].container_port());
  }
  return "";
}

std::string_view pod_address(core_v1::Pod pod) {
  if (!pod.status().pod_ips().empty()) return pod.status().pod_ips()[0].ip();
  return pod.status().pod_ip();
}

// The name of the service's port that the request gives by number.
Result<std::string> service_port_name(core_v1::Service service, std::string_view port) {
  auto number = parse_int(port);
  if (!number) return std::string(port);
  for (core_v1::ServicePort item : service.spec().ports()) {
    if (item.port() == *number) return std::string(item.name());
  }
  return ApiStatus::service_unavailable("no service port " + std::string(port) +
                                        " found for service " +
                                        go_quote(service.metadata().name()));
}

// An endpoint counts only if it is the address of a pod of the namespace: who may write
// EndpointSlices can't send the API server elsewhere.
bool is_address_of_pod(HandlerEnv& env, std::string_view ns, core_v1::ObjectReference target,
                       std::string_view address) {
  if (target.name().empty() || target.namespace_() != ns) return false;
  ObjectPtr object = env.hub->lookup().get("", "pods", ns, target.name());
  if (!object) return false;
  for (core_v1::PodIP item : core_v1::Pod(object->root()).status().pod_ips()) {
    if (item.ip() == address) return true;
  }
  return false;
}

bool is_ready(discovery_v1::Endpoint endpoint) {
  auto conditions = endpoint.conditions();
  return !conditions.has_ready() || conditions.ready();
}

struct Candidate {
  std::string address;
  uint16_t port = 0;
};

void add_candidates(HandlerEnv& env, std::string_view ns, discovery_v1::EndpointSlice slice,
                    std::string_view port_name, std::vector<Candidate>& found) {
  for (discovery_v1::EndpointPort port : slice.ports()) {
    if (port.name() != port_name || port.port() <= 0 || port.port() > 65535) continue;
    for (discovery_v1::Endpoint endpoint : slice.endpoints()) {
      if (!is_ready(endpoint) || endpoint.addresses().empty()) continue;
      std::string_view address = endpoint.addresses()[0];
      if (!is_proxyable_address(address)) continue;
      if (!is_address_of_pod(env, ns, endpoint.target_ref(), address)) continue;
      found.push_back({std::string(address), static_cast<uint16_t>(port.port())});
    }
  }
}

}  // namespace

std::optional<SchemeNamePort> split_scheme_name_port(std::string_view id) {
  std::vector<std::string_view> parts = split(id, ':');
  SchemeNamePort found;
  if (parts.size() > 3) return std::nullopt;
  if (parts.size() == 3) found.scheme = parts[0];
  found.name = parts[parts.size() == 3 ? 1 : 0];
  if (parts.size() > 1) found.port = parts.back();
  bool known = found.scheme.empty() || found.scheme == "http" || found.scheme == "https";
  if (!known || found.name.empty()) return std::nullopt;
  return found;
}

bool is_proxyable_address(std::string_view address) {
  std::string text(address);
  in_addr v4;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return is_allowed_v4(v4);
  in6_addr v6;
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && is_allowed_v6(v6);
}

std::string address_text(const ProxyTarget& target) {
  bool v6 = target.host.find(':') != std::string::npos;
  return (v6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

Result<ProxyTarget> kubelet_target(HandlerEnv& env, std::string_view node_name) {
  TIPHYS_TRY(ObjectPtr, object, get_core(env, "nodes", "", node_name));
  core_v1::Node node(object->root());
  ProxyTarget target{.kubelet = true, .tls = true, .host = "", .port = kKubeletPort};
  int32_t port = node.status().daemon_endpoints().kubelet_endpoint().port();
  if (port != 0) target.port = static_cast<uint16_t>(port);
  for (std::string_view type : kNodeAddressTypes) {
    for (core_v1::NodeAddress item : node.status().addresses()) {
      if (item.type() != type || !target.host.empty()) continue;
      target.host = item.address();
    }
  }
  if (!target.host.empty()) return target;
  return ApiStatus::internal("no preferred addresses found; known addresses: []");
}

Result<ProxyTarget> node_target(HandlerEnv& env, std::string_view id) {
  auto parts = split_scheme_name_port(id);
  if (!parts) return ApiStatus::bad_request("invalid node request " + go_quote(id));
  TIPHYS_TRY(ProxyTarget, target, kubelet_target(env, parts->name));
  if (!is_proxyable_address(target.host)) return not_allowed();
  if (parts->port.empty() || parts->port == std::to_string(target.port)) return target;
  TIPHYS_TRY(uint16_t, port, port_number(parts->port));
  target.kubelet = false;
  target.tls = parts->scheme == "https";
  target.port = port;
  return target;
}

Result<ProxyTarget> pod_target(HandlerEnv& env, std::string_view ns, std::string_view id) {
  auto parts = split_scheme_name_port(id);
  if (!parts) return ApiStatus::bad_request("invalid pod request " + go_quote(id));
  TIPHYS_TRY(ObjectPtr, object, get_core(env, "pods", ns, parts->name));
  core_v1::Pod pod(object->root());
  std::string_view address = pod_address(pod);
  if (!is_proxyable_address(address)) return not_allowed();
  bool tls = parts->scheme == "https";
  ProxyTarget target{.kubelet = false, .tls = tls, .host = std::string(address), .port = 0};
  std::string port(parts->port);
  if (port.empty()) port = first_container_port(pod);
  if (port.empty()) port = std::to_string(tls ? kHttpsPort : kHttpPort);
  TIPHYS_TRY(uint16_t, number, port_number(port));
  target.port = number;
  return target;
}

Result<ProxyTarget> service_target(HandlerEnv& env, std::string_view ns, std::string_view id) {
  auto parts = split_scheme_name_port(id);
  if (!parts) return ApiStatus::bad_request("invalid service request " + go_quote(id));
  TIPHYS_TRY(ObjectPtr, object, get_core(env, "services", ns, parts->name));
  TIPHYS_TRY(std::string, port_name,
             service_port_name(core_v1::Service(object->root()), parts->port));
  std::vector<Candidate> candidates;
  bool any_slice = false;
  for (const ObjectPtr& item : env.hub->lookup().list("discovery.k8s.io", "endpointslices", ns)) {
    discovery_v1::EndpointSlice slice(item->root());
    std::string_view owner = slice.metadata().labels().find("kubernetes.io/service-name");
    if (owner != parts->name) continue;
    any_slice = true;
    add_candidates(env, ns, slice, port_name, candidates);
  }
  if (!any_slice) return ApiStatus::not_found("", "services", parts->name);
  if (candidates.empty()) return no_endpoints(id);
  Candidate chosen = candidates[env.random->below(candidates.size())];
  return ProxyTarget{.kubelet = false,
                     .tls = parts->scheme == "https",
                     .host = std::move(chosen.address),
                     .port = chosen.port};
}

}  // namespace tiphys::apiserver
