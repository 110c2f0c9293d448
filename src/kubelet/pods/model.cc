#include "kubelet/pods/model.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

bool newer(uint32_t attempt_a, MicroTime a, uint32_t attempt_b, MicroTime b) {
  return attempt_a != attempt_b ? attempt_a > attempt_b : a > b;
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

}  // namespace tiphys::kubelet
