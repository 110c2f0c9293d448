// The mounts of a container: its volumeMounts over the pod's volumes, subPaths, /etc/hosts and the
// termination message. After upstream's makeMounts (pkg/kubelet/kubelet_pods.go).
//
// Blocks; for ever if a subPath leads into a dead hostPath (see VolumeCalls). Any thread.
#pragma once
#include <map>
#include <string>

#include "kubelet/pods/configs.h"

namespace tiphys::kubelet {

struct MountInput {
  core_v1::Pod pod;
  core_v1::Container container;
  std::map<std::string, std::string> volumes;  // host paths by volume name
  Variables variables;                         // for subPathExpr
  std::string pod_folder;
  std::string hosts_file;  // "": none
  std::string message_file;
};
// The container's mounts; subPaths are made and bound so that no link leads out of the volume.
// Errors are messages of CreateContainerConfigError; those of subPaths don't tell what the host has
// there (the log does).
Result<std::vector<ResolvedMount>> resolve_mounts(const MountInput& input);

// Whether a subPath of the container is on a hostPath volume. Pure.
bool has_host_sub_path(core_v1::PodSpec spec, core_v1::Container container);

}  // namespace tiphys::kubelet
