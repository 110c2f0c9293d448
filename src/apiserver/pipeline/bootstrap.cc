#include "apiserver/pipeline/bootstrap.h"

#include "apiserver/registry/service_ranges.h"
#include "base/log.h"
#include "kinds/core_v1.h"
#include "kinds/discovery_v1.h"
#include "kinds/networking_v1.h"
#include "kinds/scheduling_v1.h"

namespace tiphys::apiserver {
namespace {

const schema::Resource& resource_of(std::string_view group, std::string_view version,
                                    std::string_view name) {
  return *schema::find_resource(group, version, name);
}

Draft make_namespace(std::string_view name) {
  Draft draft = core_v1::Namespace::make();
  core_v1::NamespaceEdit(draft).edit_metadata().set_name(name);
  return draft;
}

Draft make_service(const std::string& address, int port) {
  Draft draft = core_v1::Service::make();
  core_v1::ServiceEdit service(draft);
  service.edit_metadata().set_name("kubernetes");
  service.edit_metadata().set_namespace("default");
  service.edit_metadata().edit_labels().set("component", "apiserver");
  service.edit_metadata().edit_labels().set("provider", "kubernetes");
  auto spec = service.edit_spec();
  auto entry = spec.edit_ports().append();
  entry.set_name("https");
  entry.set_protocol("TCP");
  entry.set_port(443);
  entry.set_target_port(Value::of_int(port));
  spec.set_cluster_ip(address);
  spec.edit_cluster_ips().append(address);
  spec.set_type("ClusterIP");
  spec.set_session_affinity("None");
  return draft;
}

Draft make_endpoints(const std::string& address, int port) {
  Draft draft = core_v1::Endpoints::make();
  core_v1::EndpointsEdit endpoints(draft);
  endpoints.edit_metadata().set_name("kubernetes");
  endpoints.edit_metadata().set_namespace("default");
  endpoints.edit_metadata().edit_labels().set("endpointslice.kubernetes.io/skip-mirror", "true");
  auto subset = endpoints.edit_subsets().append();
  subset.edit_addresses().append().set_ip(address);
  auto entry = subset.edit_ports().append();
  entry.set_name("https");
  entry.set_port(port);
  entry.set_protocol("TCP");
  return draft;
}

Draft make_slice(const std::string& address, int port) {
  Draft draft = discovery_v1::EndpointSlice::make();
  discovery_v1::EndpointSliceEdit slice(draft);
  slice.edit_metadata().set_name("kubernetes");
  slice.edit_metadata().set_namespace("default");
  slice.edit_metadata().edit_labels().set("kubernetes.io/service-name", "kubernetes");
  slice.set_address_type(address.find(':') == address.npos ? "IPv4" : "IPv6");
  auto endpoint = slice.edit_endpoints().append();
  endpoint.edit_addresses().append(address);
  endpoint.edit_conditions().set_ready(true);
  auto entry = slice.edit_ports().append();
  entry.set_name("https");
  entry.set_port(port);
  entry.set_protocol("TCP");
  return draft;
}

Draft make_priority_class(std::string_view name, int value, std::string_view description) {
  Draft draft = scheduling_v1::PriorityClass::make();
  scheduling_v1::PriorityClassEdit edit(draft);
  edit.edit_metadata().set_name(name);
  edit.set_value(value);
  edit.set_description(description);
  return draft;
}

bool is_ready(const Object& object) {
  for (const auto& condition : networking_v1::ServiceCIDR(object).status().conditions()) {
    if (condition.type() == "Ready" && condition.status() == "True") return true;
  }
  return false;
}

Draft make_range(const std::vector<ServiceRange>& ranges) {
  Draft draft = networking_v1::ServiceCIDR::make();
  networking_v1::ServiceCIDREdit(draft).edit_metadata().set_name("kubernetes");
  auto cidrs = networking_v1::ServiceCIDREdit(draft).edit_spec().edit_cidrs();
  for (const ServiceRange& range : ranges) cidrs.append(range.text());
  return draft;
}

// The ranges of the server as an object (KEP-1880); its finalizer is the controllers' work. One
// that was of a single family grows with the server's; of one that is other nothing is changed.
Task<Result<void>> bootstrap_range(ApiServer& server, std::string flag) {
  Result<std::vector<ServiceRange>> ranges = parse_service_ranges(flag);
  if (!ranges) co_return ranges.error();
  const schema::Resource& resource = resource_of("networking.k8s.io", "v1", "servicecidrs");
  Result<ObjectPtr> made = co_await server.ensure(resource, "", make_range(*ranges));
  if (!made) co_return made.error();
  auto stored = networking_v1::ServiceCIDR(**made).spec().cidrs();
  bool first = !stored.empty() && stored[0] == ranges->front().text();
  if (first && stored.size() == 1 && ranges->size() == kMaxServiceRanges) {
    Draft grown(**made);
    networking_v1::ServiceCIDREdit(grown).edit_spec().edit_cidrs().append(ranges->back().text());
    made = co_await server.put(resource, "", std::move(grown));
    if (!made) co_return made.error();
  } else if (!first || stored.size() != ranges->size()) {
    LOG_WARNING("ServiceCIDR kubernetes does not match --service-cluster-ip-range", {"flag", flag});
    co_return Result<void>();
  }
  if (is_ready(**made)) co_return Result<void>();
  Draft ready(**made);
  auto conditions = networking_v1::ServiceCIDREdit(ready).edit_status().edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != "Ready") ++at;
  if (at == conditions.size()) conditions.append();
  conditions[at].set_type("Ready");
  conditions[at].set_status("True");
  conditions[at].set_message("Kubernetes default Service CIDR is ready");
  conditions[at].set_last_transition_time(server.now());
  Result<ObjectPtr> written = co_await server.put_status(std::move(ready));
  if (!written) co_return written.error();
  co_return Result<void>();
}

Task<Result<void>> bootstrap_service(ApiServer& server, ApiServerOptions options,
                                     std::string address) {
  int port = options.secure_port;
  Result<ObjectPtr> service = co_await server.ensure(resource_of("", "v1", "services"), "default",
                                                     make_service(address, port));
  if (!service) co_return service.error();
  Result<ObjectPtr> endpoints =
      co_await server.put(resource_of("", "v1", "endpoints"), "default",
                          make_endpoints(options.advertise_address, port));
  if (!endpoints) co_return endpoints.error();
  Result<ObjectPtr> slice =
      co_await server.put(resource_of("discovery.k8s.io", "v1", "endpointslices"), "default",
                          make_slice(options.advertise_address, port));
  if (!slice) co_return slice.error();
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> bootstrap_cluster(ApiServer& server, ApiServerOptions options,
                                     std::string service_address) {
  const schema::Resource& namespaces = resource_of("", "v1", "namespaces");
  for (std::string_view name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    Result<ObjectPtr> made = co_await server.ensure(namespaces, "", make_namespace(name));
    if (!made) co_return made.error();
  }
  const schema::Resource& classes = resource_of("scheduling.k8s.io", "v1", "priorityclasses");
  Result<ObjectPtr> critical = co_await server.ensure(
      classes, "",
      make_priority_class("system-cluster-critical", 2'000'000'000,
                          "Used for system critical pods that must run in the cluster, "
                          "but can be moved to another node if necessary."));
  if (!critical) co_return critical.error();
  Result<ObjectPtr> node = co_await server.ensure(
      classes, "",
      make_priority_class("system-node-critical", 2'000'001'000,
                          "Used for system critical pods that must not be moved from "
                          "their current node."));
  if (!node) co_return node.error();
  Result<void> range = co_await bootstrap_range(server, options.service_cidr);
  if (!range) co_return range;
  co_return co_await bootstrap_service(server, std::move(options), std::move(service_address));
}

}  // namespace tiphys::apiserver
