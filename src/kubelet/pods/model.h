// What the kubelet knows of one pod in the runtime, and small questions about pods. Pure.
#pragma once
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
  bool any_running() const;
};
void sort_newest_first(PodRuntime& runtime);

// A reason and a message as container states, conditions and events have them.
struct Why {
  std::string reason;
  std::string message;
  bool operator==(const Why&) const = default;
};

// "name_namespace(uid)", as upstream's messages name a pod.
std::string pod_label(core_v1::Pod pod);
// What decides whether a running container must be replaced: its name and image.
std::string container_hash(core_v1::Container container);
// Static pods carry the hash of their file here.
inline constexpr std::string_view kConfigSourceAnnotation = "kubernetes.io/config.source";

}  // namespace tiphys::kubelet
