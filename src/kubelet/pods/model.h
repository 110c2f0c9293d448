// What the kubelet knows of one pod in the runtime, and small questions about pods. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinds/core_v1.h"
#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

// Both lists newest first.
struct PodRuntime {
  std::vector<SandboxRecord> sandboxes;
  std::vector<ContainerRecord> containers;

  const SandboxRecord* newest_sandbox() const;
  // The newest container of that name; of that sandbox only, if one is given.
  const ContainerRecord* newest(std::string_view name, std::string_view sandbox_id = {}) const;
  // The one before the newest of that name.
  const ContainerRecord* previous(std::string_view name) const;
  // Any that runs, or of which the runtime can't say whether it does.
  bool any_running() const;
};
// It runs, or the runtime can't say: it has to be stopped.
bool is_alive(const ContainerRecord& container);
void sort_newest_first(PodRuntime& runtime);

// A reason and a message as container states, conditions and events have them.
struct Why {
  std::string reason;
  std::string message;
  bool operator==(const Why&) const = default;
};

// Where in the spec a container stands.
enum class ContainerKind : uint8_t { kMain, kInit, kEphemeral };
struct ContainerPlace {
  ContainerKind kind = ContainerKind::kMain;
  size_t index = 0;  // in containers, initContainers or ephemeralContainers
  bool operator==(const ContainerPlace&) const = default;
};
// Requires: the place is in the spec. An ephemeral container is a container with one field more.
core_v1::Container container_at(core_v1::PodSpec spec, ContainerPlace place);
// Nothing: no container of that name.
std::optional<ContainerPlace> find_place(core_v1::PodSpec spec, std::string_view name);
// "spec.initContainers{name}", as the involved object of events says it.
std::string container_field_path(core_v1::PodSpec spec, std::string_view name);

// "name_namespace(uid)", as upstream's messages name a pod.
std::string pod_label(core_v1::Pod pod);
// What decides whether a running container must be replaced: its name and image.
std::string container_hash(core_v1::Container container);
// Where a pod comes from: "file", or "api" if it is missing.
inline constexpr std::string_view kConfigSourceAnnotation = "kubernetes.io/config.source";

}  // namespace tiphys::kubelet
