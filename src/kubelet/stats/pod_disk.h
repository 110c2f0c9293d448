// What a pod takes of the node's disk: its volumes, its containers' logs, and files of its own.
//
// After upstream's volume statistics (pkg/kubelet/server/stats: parsePodVolumeStats) and
// calcEphemeralStorage. measure_pod_disk() blocks for as long as the trees are large, which is
// bounded; the rest is pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "kinds/core_v1.h"
#include "kubelet/stats/usage.h"

namespace tiphys::kubelet {

// Where to look.
struct PodDiskPlan {
  struct Volume {
    std::string name;
    std::string path;
    bool local = false;  // it counts as the pod's ephemeral storage
  };
  std::string uid;
  std::string hosts_file;
  std::string log_folder;
  std::vector<Volume> volumes;  // without those that aren't the pod's own, as hostPaths
};
PodDiskPlan pod_disk_plan(core_v1::Pod pod, const std::string& pod_folder,
                          const std::string& pod_logs_dir);

struct PodDisk {
  std::vector<VolumeUsage> volumes;
  std::map<std::string, FsUsage> logs;  // by container name; only what is used
  FsUsage other;                        // volumes that are local, logs and hosts: only what is used
};
// A file system as a whole. Nothing: it can't be asked.
std::optional<FsUsage> read_fs(const std::string& folder, MicroTime now);
PodDisk measure_pod_disk(const PodDiskPlan& plan, MicroTime now);

// Gives the pod and its containers what was measured. Requires: their root file systems are filled
// in. node: the file system that all of it is on.
void fill_pod_disk(PodUsage& pod, const PodDisk& disk, const FsUsage& node);

}  // namespace tiphys::kubelet
