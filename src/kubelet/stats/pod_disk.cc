#include "kubelet/stats/pod_disk.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "kubelet/pods/configs.h"
#include "kubelet/volumes/volumes.h"
#include "os/files.h"
#include "os/tree_size.h"

namespace tiphys::kubelet {
namespace {

constexpr int64_t kMaxEntries = 1'000'000;  // of one folder

bool is_local(core_v1::Volume volume) {
  return volume.has_config_map() || (volume.has_empty_dir() && volume.empty_dir().medium().empty());
}

// What can't be opened counts as nothing.
FsUsage used_by(const std::string& folder, MicroTime now) {
  FsUsage out{.time = now};
  Result<os::TreeSize> size = os::tree_size(folder, {INT64_MAX, kMaxEntries});
  if (!size) return out;
  out.used = size->bytes;
  out.inodes_used = size->entries;
  return out;
}

void add(const FsUsage& one, FsUsage& to) {
  to.used += one.used;
  to.inodes_used += one.inodes_used;
  to.time = std::max(to.time, one.time);
}

// The whole of the file system, and what one thing uses of it.
FsUsage with_whole(FsUsage used, const FsUsage& whole) {
  used.available = whole.available;
  used.capacity = whole.capacity;
  used.inodes = whole.inodes;
  used.inodes_free = whole.inodes_free;
  return used;
}

}  // namespace

PodDiskPlan pod_disk_plan(core_v1::Pod pod, const std::string& pod_folder,
                          const std::string& pod_logs_dir) {
  PodDiskPlan out;
  out.uid = std::string(pod.metadata().uid());
  out.hosts_file = pod_folder + "/etc-hosts";
  out.log_folder = pod_logs_dir + "/" + pod_log_folder(pod);
  for (core_v1::Volume volume : pod.spec().volumes()) {
    std::string path = volume_path(pod_folder, volume);
    if (path.empty()) continue;
    out.volumes.push_back({std::string(volume.name()), path, is_local(volume)});
  }
  return out;
}

std::optional<FsUsage> read_fs(const std::string& folder, MicroTime now) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return std::nullopt;
  FsUsage out{.time = now};
  out.available = static_cast<int64_t>(disk.f_bavail * disk.f_frsize);
  out.capacity = static_cast<int64_t>(disk.f_blocks * disk.f_frsize);
  out.used = static_cast<int64_t>((disk.f_blocks - disk.f_bfree) * disk.f_frsize);
  out.inodes = static_cast<int64_t>(disk.f_files);
  out.inodes_free = static_cast<int64_t>(disk.f_ffree);
  out.inodes_used = out.inodes - out.inodes_free;
  return out;
}

PodDisk measure_pod_disk(const PodDiskPlan& plan, MicroTime now) {
  PodDisk out;
  for (const PodDiskPlan::Volume& volume : plan.volumes) {
    std::optional<FsUsage> whole = read_fs(volume.path, now);
    if (!whole) continue;  // no container uses it, or it is not there yet
    FsUsage used = used_by(volume.path, now);
    if (volume.local) add(used, out.other);
    out.volumes.push_back({volume.name, with_whole(used, *whole)});
  }
  Result<std::vector<std::string>> containers = os::list_dir(plan.log_folder);
  if (containers) {
    for (const std::string& name : *containers) {
      add(out.logs[name] = used_by(plan.log_folder + "/" + name, now), out.other);
    }
  }
  struct stat hosts{};
  if (::lstat(plan.hosts_file.c_str(), &hosts) == 0) {
    add({.time = now, .used = static_cast<int64_t>(hosts.st_blocks) * 512, .inodes_used = 1},
        out.other);
  }
  return out;
}

void fill_pod_disk(PodUsage& pod, const PodDisk& disk, const FsUsage& node) {
  pod.volumes = disk.volumes;
  FsUsage sum = disk.other;
  for (ContainerUsage& container : pod.containers) {
    auto logs = disk.logs.find(container.name);
    if (logs != disk.logs.end()) container.logs = with_whole(logs->second, node);
    if (container.rootfs) add(*container.rootfs, sum);
  }
  if (sum.time == 0) sum.time = node.time;
  pod.ephemeral_storage = with_whole(sum, node);
}

}  // namespace tiphys::kubelet
