#include "kubelet/stats/usage_reader.h"

#include "base/strings.h"
#include "kubelet/pods/resources.h"
#include "kubelet/stats/network_usage.h"
#include "kubelet/stats/runtime_usage.h"
#include "os/files.h"
#include "os/mounts.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxNetDevBytes = 1 << 20;

PodUsage pod_usage(const std::string& cgroup_root, const PodWorker& worker) {
  core_v1::Pod pod(*worker.pod());
  PodUsage out;
  out.name = pod.metadata().name();
  out.ns = pod.metadata().namespace_();
  out.uid = pod.metadata().uid();
  out.cgroup = pod_cgroup(cgroup_root, pod);
  if (const SandboxRecord* sandbox = worker.runtime_state().newest_sandbox()) {
    out.started = sandbox->created;
  }
  for (const ContainerRecord& c : worker.runtime_state().containers) {
    if (c.state != ContainerState::kRunning) continue;
    out.containers.push_back(
        {c.name, c.id, out.cgroup + "/" + c.id, c.started, std::nullopt, c.image});
  }
  out.host_network = pod.spec().host_network();
  return out;
}

std::optional<UsageSample> sample_of(const os::Cgroups& groups, const Clock& clock,
                                     const std::string& path) {
  Result<os::CgroupUsage> used = groups.usage(path);
  if (!used) return std::nullopt;
  return UsageSample{clock.wall(), *used, std::nullopt};
}

// "btime 1700000000" of /proc/stat: when the machine started.
MicroTime boot_time() {
  Result<std::string> text = os::read_file("/proc/stat");
  return text ? os::flat_keyed(*text, "btime").value_or(0) * kMicrosPerSecond : 0;
}

// Through any process of the pod: all are in its network.
void read_pod_processes(const os::Cgroups& groups, PodUsage& pod) {
  std::vector<pid_t> processes = groups.processes(pod.cgroup);
  pod.processes = static_cast<int64_t>(processes.size());
  if (processes.empty() || pod.host_network) return;
  Result<std::string> text =
      os::read_file("/proc/" + std::to_string(processes[0]) + "/net/dev", kMaxNetDevBytes);
  if (text) pod.network = interfaces_of(*text);
}

// What is mounted where the folder is: the longest mount point above it counts.
std::string device_of(const std::string& folder) {
  Result<std::vector<os::MountEntry>> mounts = os::list_mounts();
  if (!mounts) return {};
  const os::MountEntry* best = nullptr;
  for (const os::MountEntry& mount : *mounts) {
    const std::string& point = mount.mount_point;
    bool above = point == "/" || folder == point || folder.starts_with(point + "/");
    if (above && (!best || point.size() >= best->mount_point.size())) best = &mount;
  }
  return best ? best->source : "";
}

NodeUsage read_samples(NodeUsage out, const os::Cgroups& groups, const std::string& root_dir) {
  SystemClock clock;
  out.booted = boot_time();
  out.machine = read_machine_pressure(root_dir);
  out.fs = read_fs(root_dir, clock.wall());
  out.fs_device = device_of(root_dir);
  Result<std::string> interfaces = os::read_file("/proc/net/dev", kMaxNetDevBytes);
  if (interfaces) out.network = interfaces_of(*interfaces);
  if (std::optional<os::CgroupUsage> used = read_machine_usage(groups)) {
    out.sample = UsageSample{clock.wall(), *used, std::nullopt};
  }
  for (PodUsage& pod : out.pods) {
    pod.sample = sample_of(groups, clock, pod.cgroup);
    read_pod_processes(groups, pod);
    for (ContainerUsage& container : pod.containers) {
      container.sample = sample_of(groups, clock, container.cgroup);
    }
  }
  return out;
}

}  // namespace

NodeUsage UsageReader::list() const {
  NodeUsage out;
  out.name = node_.options.node_name;
  out.cpus = cpus_;
  out.memory_bytes = node_.memory_capacity;
  for (const PodWorker* worker : pods_.workers()) {
    PodUsage pod = pod_usage(node_.options.cgroup_root, *worker);
    if (!pod.containers.empty()) out.pods.push_back(std::move(pod));
  }
  return out;
}

Task<Result<NodeUsage>> UsageReader::read() {
  if (!node_.cgroups) co_return ApiStatus::internal("no cgroup file system is mounted");
  os::Cgroups groups = *node_.cgroups;
  std::string root_dir = node_.options.root_dir;
  NodeUsage listed = list();
  NodeUsage usage = co_await run_blocking(node_.loop, node_.pool, [listed, groups, root_dir] {
    return read_samples(listed, groups, root_dir);
  });
  if (lacks_containers(usage)) {
    Result<std::vector<UsageRecord>> told = co_await node_.runtime.list_usage();
    if (told) fill_from_runtime(usage, *told);
  }
  rates_.update(usage);
  co_return usage;
}

Task<void> UsageReader::stop() { co_await disks_.stop(); }

Task<Result<NodeUsage>> UsageReader::read_with_disks() {
  Result<NodeUsage> usage = co_await read();
  if (!usage) co_return usage.error();
  co_return co_await with_disks(std::move(*usage));
}

std::vector<PodDiskPlan> UsageReader::disk_plans() const {
  std::vector<PodDiskPlan> out;
  for (const PodWorker* worker : pods_.workers()) {
    core_v1::Pod pod(*worker->pod());
    std::string folder = node_.pod_folder(pod.metadata().uid());
    if (worker->is_active()) {
      out.push_back(pod_disk_plan(pod, folder, node_.options.pod_logs_dir));
    }
  }
  return out;
}

Task<NodeUsage> UsageReader::with_disks(NodeUsage usage) {
  ImageFsRecord images;
  Result<ImageFsRecord> told_images = co_await node_.runtime.image_fs();
  if (told_images) images = std::move(*told_images);
  if (images.mount_point.empty()) images.mount_point = node_.options.data_dir;
  std::string image_folder = images.mount_point;
  MicroTime now = node_.loop.wall();
  usage.image_fs = co_await run_blocking(
      node_.loop, node_.pool, [image_folder, now] { return read_fs(image_folder, now); });
  Result<std::vector<UsageRecord>> told = co_await node_.runtime.list_usage();
  if (told && usage.image_fs) fill_writable_layers(usage, *told, *usage.image_fs);
  if (usage.image_fs && images.time > 0) {
    usage.image_fs->time = images.time;
    usage.image_fs->used = images.bytes;
    usage.image_fs->inodes_used = images.inodes;
  }
  std::map<std::string, PodDisk> disks = co_await disks_.read(disk_plans());
  for (PodUsage& pod : usage.pods) {
    auto disk = disks.find(pod.uid);
    if (disk != disks.end() && usage.fs) fill_pod_disk(pod, disk->second, *usage.fs);
  }
  co_return usage;
}

}  // namespace tiphys::kubelet
