// The volumes of a pod on disk: set up before its containers, kept current, torn down after it.
//
// Everything blocks: call it on the pool, one call a pod at a time. Layout below
// <root_dir>/pods/<uid> as upstream's: volumes/kubernetes.io~<type>/<name>, containers/<name>/,
// etc-hosts.
#pragma once
#include <map>
#include <string>

#include "kubelet/pods/configs.h"
#include "kubelet/volumes/payload.h"

namespace tiphys::kubelet {

struct VolumeInput {
  ObjectPtr pod;
  std::string pod_folder;
  std::map<std::string, std::string> allocatable;
  std::vector<std::string> pod_ips;
  std::vector<std::string> host_ips;
  Fetched fetched;
  Tokens tokens;
  MicroTime now = 0;
};

// Host paths by volume name. Error: the FailedMount message,
// 'MountVolume.SetUp failed for volume "a" : configmap "b" not found'.
Result<std::map<std::string, std::string>> set_up_volumes(const VolumeInput& input);
// Unmounts and removes everything of a pod.
Result<void> tear_down_pod_folder(const std::string& pod_folder);

struct MountInput {
  core_v1::Pod pod;
  core_v1::Container container;
  std::map<std::string, std::string> volumes;  // as set_up_volumes gave them
  Variables variables;                         // for subPathExpr
  std::string pod_folder;
  std::string hosts_file;  // "": none
  std::string message_file;
};
// The container's mounts; subPaths are made and bound so that no link leads out of the volume.
Result<std::vector<ResolvedMount>> resolve_mounts(const MountInput& input);

}  // namespace tiphys::kubelet
