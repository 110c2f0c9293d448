#include "kubelet/pods/model.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

bool newer(uint32_t attempt_a, MicroTime a, uint32_t attempt_b, MicroTime b) {
  return attempt_a != attempt_b ? attempt_a > attempt_b : a > b;
}

// Requests and limits of cpu and memory of one container, for its QoS.
struct QosFacts {
  bool any = false;
  bool guaranteed = true;
};

bool is_zero(std::string_view quantity) {
  return quantity.find_first_of("123456789") == std::string_view::npos;
}

void add_container(core_v1::Container container, QosFacts& facts) {
  core_v1::ResourceRequirements resources = container.resources();
  for (std::string_view name : {"cpu", "memory"}) {
    std::string_view limit = resources.limits().find(name);
    std::string_view request = resources.requests().find(name);
    if (!is_zero(limit) || !is_zero(request)) facts.any = true;
    bool equal = !is_zero(limit) && (!resources.requests().contains(name) || request == limit);
    if (!equal) facts.guaranteed = false;
  }
}

}  // namespace

const SandboxRecord* PodRuntime::newest_sandbox() const {
  return sandboxes.empty() ? nullptr : &sandboxes.front();
}

const ContainerRecord* PodRuntime::newest(std::string_view name, std::string_view sandbox) const {
  for (const ContainerRecord& c : containers) {
    if (c.name == name && (sandbox.empty() || c.sandbox_id == sandbox)) return &c;
  }
  return nullptr;
}

const ContainerRecord* PodRuntime::previous(std::string_view name) const {
  bool first = true;
  for (const ContainerRecord& c : containers) {
    if (c.name != name) continue;
    if (!first) return &c;
    first = false;
  }
  return nullptr;
}

bool PodRuntime::any_running() const {
  return std::any_of(containers.begin(), containers.end(),
                     [](const ContainerRecord& c) { return c.state == ContainerState::kRunning; });
}

void sort_newest_first(PodRuntime& runtime) {
  std::sort(runtime.sandboxes.begin(), runtime.sandboxes.end(),
            [](const SandboxRecord& a, const SandboxRecord& b) {
              return newer(a.attempt, a.created, b.attempt, b.created);
            });
  std::sort(runtime.containers.begin(), runtime.containers.end(),
            [](const ContainerRecord& a, const ContainerRecord& b) {
              return newer(a.attempt, a.created, b.attempt, b.created);
            });
}

std::string_view qos_name(QosClass qos) {
  switch (qos) {
    case QosClass::kGuaranteed:
      return "Guaranteed";
    case QosClass::kBurstable:
      return "Burstable";
    case QosClass::kBestEffort:
      return "BestEffort";
  }
  return "";
}

QosClass qos_class(core_v1::PodSpec spec) {
  QosFacts facts;
  for (core_v1::Container container : spec.containers()) add_container(container, facts);
  for (core_v1::Container container : spec.init_containers()) add_container(container, facts);
  if (!facts.any) return QosClass::kBestEffort;
  return facts.guaranteed ? QosClass::kGuaranteed : QosClass::kBurstable;
}

bool is_sidecar(core_v1::Container container) { return container.restart_policy() == "Always"; }

std::string pod_label(core_v1::Pod pod) {
  return std::string(pod.metadata().name()) + "_" + std::string(pod.metadata().namespace_()) + "(" +
         std::string(pod.metadata().uid()) + ")";
}

std::string container_hash(core_v1::Container container) {
  uint32_t hash = fnv32a(std::string(container.name()) + '\0' + std::string(container.image()));
  char out[16];
  std::snprintf(out, sizeof out, "%x", hash);
  return out;
}

bool is_terminal_phase(std::string_view phase) { return phase == "Succeeded" || phase == "Failed"; }

}  // namespace tiphys::kubelet
