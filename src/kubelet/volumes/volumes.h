// The volumes of a pod on disk: set up before its containers, kept current, torn down after it.
//
// Everything blocks, on the node's own disk only (hostPaths are looked at by check_host_path): call
// it on the pool, one call a pod at a time. Layout below <root_dir>/pods/<uid> as upstream's:
// volumes/kubernetes.io~<type>/<name>, plugins/kubernetes.io~empty-dir/<name>/ready,
// volume-subpaths/<volume>/<container>/<index>, containers/<name>/, etc-hosts.
#pragma once
#include <map>
#include <string>
#include <vector>

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
  std::map<std::string, Result<void>> host_paths;  // by volume name: what the check said
  MicroTime now = 0;
};

struct VolumesDone {
  std::map<std::string, std::string> paths;  // host paths by volume name
  // Messages of FailedMount events: 'MountVolume.SetUp failed for volume "a" : configmap "b" not
  // found', and 'Unable to attach or mount volumes: ...'. A volume that fails holds back none of
  // the others.
  std::vector<std::string> failures;
};
// Of all volumes that some container mounts.
VolumesDone set_up_volumes(const VolumeInput& input);
// Unmounts and removes everything of a pod. May take long: pods leave millions of files.
Result<void> tear_down_pod_folder(const std::string& pod_folder);
// Where an emptyDir is.
std::string empty_dir_path(const std::string& pod_folder, std::string_view volume);
// Where a volume is that is the pod's own; "": it isn't, as a hostPath.
std::string volume_path(const std::string& pod_folder, core_v1::Volume volume);

}  // namespace tiphys::kubelet
