// Service pods: which pods stand behind a Service, at which addresses and ports. Pure; shared by
// the Endpoints and EndpointSlice controllers.
// Source: k8s.io/endpointslice/util and https://kubernetes.io/docs/concepts/services-networking/
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/informer.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

struct ServicePort {
  std::string name;
  std::string protocol;
  std::string app_protocol;
  int32_t port = 0;
  auto operator<=>(const ServicePort&) const = default;
};
using ServicePorts = std::vector<ServicePort>;

inline constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";

// A Service without selector, or of type ExternalName, has no pods.
bool selects_pods(const core_v1::Service& service);
bool has_cluster_ip(const core_v1::Service& service);
// Sets kHeadlessLabel for a Service without a cluster IP, and takes it away for others.
void put_headless_label(meta_v1::ObjectMetaEdit meta, const core_v1::Service& service);
bool selects(const core_v1::Service& service, const core_v1::Pod& pod);
// Not finished, and with an address; pods that are being deleted only if wanted.
bool belongs_in_endpoints(const core_v1::Pod& pod, bool include_terminating);
// The Service's ports as they are on this pod, sorted; ports that the pod does not have are left
// out.
ServicePorts ports_on(const core_v1::Service& service, const core_v1::Pod& pod);
bool is_ipv6(std::string_view address);
// The pod's address of a family in canonical text, or empty.
std::string address_of(const core_v1::Pod& pod, bool ipv6);
// True if anything that endpoints depend on differs.
bool endpoints_differ(const core_v1::Pod& a, const core_v1::Pod& b);
// The pod's host name, if it has a DNS name through this Service.
std::string_view hostname_for(const core_v1::Service& service, const core_v1::Pod& pod);
void put_target(core_v1::ObjectReferenceEdit target, const core_v1::Pod& pod);

// The keys of the Services that select a pod.
std::vector<std::string> services_of_pod(const client::Informer& services, const Object& pod);
// Calls back with the key of every Service whose endpoints a change of a pod may touch.
void watch_service_pods(client::Informer& services, client::Informer& pods,
                        std::function<void(std::string key)> enqueue);

}  // namespace tiphys::controllers
