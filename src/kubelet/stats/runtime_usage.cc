#include "kubelet/stats/runtime_usage.h"

#include <algorithm>

namespace tiphys::kubelet {
namespace {

// Nothing unless every container has a sample; the time is the oldest one's.
std::optional<UsageSample> sum_of(const std::vector<ContainerUsage>& containers) {
  std::optional<UsageSample> sum;
  for (const ContainerUsage& container : containers) {
    if (!container.sample) return std::nullopt;
    const UsageSample& one = *container.sample;
    if (!sum) sum = UsageSample{.time = one.time};
    sum->time = std::min(sum->time, one.time);
    sum->used.cpu_ns += one.used.cpu_ns;
    sum->used.memory_bytes += one.used.memory_bytes;
    sum->used.inactive_file_bytes += one.used.inactive_file_bytes;
    sum->used.rss_bytes += one.used.rss_bytes;
    sum->used.page_faults += one.used.page_faults;
    sum->used.major_page_faults += one.used.major_page_faults;
  }
  return sum;
}

}  // namespace

bool lacks_containers(const NodeUsage& usage) {
  return std::ranges::any_of(usage.pods, [](const PodUsage& pod) {
    return std::ranges::any_of(pod.containers, [](const ContainerUsage& c) { return !c.sample; });
  });
}

void fill_from_runtime(NodeUsage& usage, const std::vector<UsageRecord>& told) {
  for (PodUsage& pod : usage.pods) {
    for (ContainerUsage& container : pod.containers) {
      auto found = std::ranges::find(told, container.id, &UsageRecord::container_id);
      if (container.sample || found == told.end()) continue;
      container.sample = UsageSample{.time = found->time, .used = found->used, .nano_cores = {}};
    }
    if (!pod.sample) pod.sample = sum_of(pod.containers);
  }
}

void fill_writable_layers(NodeUsage& usage, const std::vector<UsageRecord>& told,
                          const FsUsage& fs) {
  for (PodUsage& pod : usage.pods) {
    for (ContainerUsage& container : pod.containers) {
      auto found = std::ranges::find(told, container.id, &UsageRecord::container_id);
      if (found == told.end() || found->writable_time == 0) continue;
      container.rootfs = fs;
      container.rootfs->time = found->writable_time;
      container.rootfs->used = found->writable_bytes;
      container.rootfs->inodes_used = found->writable_inodes;
    }
  }
}

}  // namespace tiphys::kubelet
