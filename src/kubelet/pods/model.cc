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
  return std::any_of(containers.begin(), containers.end(), is_alive);
}

bool is_alive(const ContainerRecord& container) {
  return container.state == ContainerState::kRunning || container.state == ContainerState::kUnknown;
}

core_v1::Container container_at(core_v1::PodSpec spec, ContainerPlace place) {
  switch (place.kind) {
    case ContainerKind::kInit:
      return spec.init_containers()[place.index];
    case ContainerKind::kEphemeral:
      // EphemeralContainerCommon has the fields of Container, in their order.
      return core_v1::Container(
          spec.ephemeral_containers()[place.index].ephemeral_container_common().node());
    default:
      return spec.containers()[place.index];
  }
}

std::optional<ContainerPlace> find_place(core_v1::PodSpec spec, std::string_view name) {
  struct Section {
    ContainerKind kind;
    size_t size;
  };
  for (Section section : {Section{ContainerKind::kMain, spec.containers().size()},
                          Section{ContainerKind::kInit, spec.init_containers().size()},
                          Section{ContainerKind::kEphemeral, spec.ephemeral_containers().size()}}) {
    for (size_t i = 0; i < section.size; ++i) {
      ContainerPlace place{section.kind, i};
      if (container_at(spec, place).name() == name) return place;
    }
  }
  return std::nullopt;
}

std::string container_field_path(core_v1::PodSpec spec, std::string_view name) {
  std::optional<ContainerPlace> place = find_place(spec, name);
  ContainerKind kind = place ? place->kind : ContainerKind::kMain;
  const char* list = kind == ContainerKind::kInit        ? "spec.initContainers{"
                     : kind == ContainerKind::kEphemeral ? "spec.ephemeralContainers{"
                                                         : "spec.containers{";
  return list + std::string(name) + "}";
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
