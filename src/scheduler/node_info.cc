#include "scheduler/node_info.h"

#include <algorithm>

namespace tiphys::scheduler {

void NodeInfo::set_object(ObjectPtr node) {
  object = std::move(node);
  labels = {};
  zone = {};
  unschedulable = false;
  taints.clear();
  allocatable = {};
  images.clear();
  if (!object) return;
  core_v1::Node view(*object);
  labels = view.metadata().labels();
  zone = labels.find("topology.kubernetes.io/zone");
  unschedulable = view.spec().unschedulable();
  for (core_v1::Taint t : view.spec().taints()) taints.push_back({t.key(), t.value(), t.effect()});
  allocatable = resources_from(view.status().allocatable());
  for (core_v1::ContainerImage image : view.status().images()) {
    for (std::string_view image_name : image.names()) {
      images[normalized_image(image_name)] = image.size_bytes();
    }
  }
}

void NodeInfo::add_pod(const PodPtr& pod) {
  pods.push_back(pod);
  requested.add(pod->requests);
  nonzero_milli_cpu += pod->nonzero_milli_cpu;
  nonzero_memory += pod->nonzero_memory;
  used_ports.insert(used_ports.end(), pod->ports.begin(), pod->ports.end());
}

PodPtr NodeInfo::remove_pod(std::string_view uid) {
  auto at = std::find_if(pods.begin(), pods.end(), [&](const PodPtr& p) { return p->uid == uid; });
  if (at == pods.end()) return nullptr;
  PodPtr pod = *at;
  *at = pods.back();
  pods.pop_back();
  requested.subtract(pod->requests);
  nonzero_milli_cpu -= pod->nonzero_milli_cpu;
  nonzero_memory -= pod->nonzero_memory;
  for (const HostPort& port : pod->ports) {
    auto used = std::find(used_ports.begin(), used_ports.end(), port);
    if (used != used_ports.end()) used_ports.erase(used);
  }
  return pod;
}

}  // namespace tiphys::scheduler
