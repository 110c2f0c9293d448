#include "kubelet/pods/admission.h"

#include <algorithm>
#include <set>

#include "kinds/node_selector.h"
#include "kinds/pods.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

// cpu in thousandths, everything else in whole units.
int64_t amount(std::string_view name, const Quantity& quantity) {
  return name == "cpu" ? quantity.milli_value() : quantity.value();
}

std::set<std::pair<int32_t, std::string>> host_ports(core_v1::PodSpec spec) {
  std::set<std::pair<int32_t, std::string>> out;
  for (core_v1::Container c : spec.containers()) {
    for (core_v1::ContainerPort port : c.ports()) {
      std::string protocol(port.protocol().empty() ? "TCP" : port.protocol());
      if (port.host_port() > 0) out.emplace(port.host_port(), protocol);
    }
  }
  return out;
}

}  // namespace

std::optional<Why> admit_pod(const AdmissionInput& in, core_v1::Pod pod) {
  if (!kinds::matches_node(pod.spec(), in.node)) {
    return Why{"NodeAffinity",
               "Predicate NodeAffinity failed: node(s) didn't match Pod's node "
               "affinity/selector"};
  }
  auto count = static_cast<int64_t>(in.active.size());
  if (count >= in.max_pods) {
    return Why{"OutOfpods", "Node didn't have enough resource: pods, requested: 1, used: " +
                                std::to_string(count) +
                                ", capacity: " + std::to_string(in.max_pods)};
  }
  kinds::ResourceSums used;
  auto ports = host_ports(pod.spec());
  for (core_v1::Pod other : in.active) {
    for (const auto& [name, taken] : kinds::pod_requests(other.spec())) used[name] += taken;
    for (const auto& port : host_ports(other.spec())) {
      if (ports.contains(port)) {
        return Why{"NodePorts",
                   "Predicate NodePorts failed: node(s) didn't have free ports for the "
                   "requested pod ports"};
      }
    }
  }
  for (const auto& [name, wanted] : kinds::pod_requests(pod.spec())) {
    if (wanted.is_zero()) continue;
    Quantity capacity = Quantity::of(in.node.status().allocatable().find(name));
    if (used[name] + wanted <= capacity) continue;
    return Why{"OutOf" + name, "Node didn't have enough resource: " + name +
                                   ", requested: " + std::to_string(amount(name, wanted)) +
                                   ", used: " + std::to_string(amount(name, used[name])) +
                                   ", capacity: " + std::to_string(amount(name, capacity))};
  }
  return std::nullopt;
}

}  // namespace tiphys::kubelet
