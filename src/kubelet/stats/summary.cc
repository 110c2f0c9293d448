#include "kubelet/stats/summary.h"

#include "codec/codec.h"
#include "kinds/stats_v1alpha1.h"
#include "kubelet/stats/network_usage.h"

namespace tiphys::kubelet {
namespace {

namespace stats = stats_v1alpha1;

// Of the node, a pod or a container: each has cpu and memory.
template <class Edit>
void fill_sample(Edit edit, const std::optional<UsageSample>& sample) {
  if (!sample) return;
  stats::CPUStatsEdit cpu = edit.edit_cpu();
  cpu.set_time(sample->time);
  if (sample->nano_cores) cpu.set_usage_nano_cores(*sample->nano_cores);
  cpu.set_usage_core_nano_seconds(sample->used.cpu_ns);
  const os::CgroupUsage& used = sample->used;
  stats::MemoryStatsEdit memory = edit.edit_memory();
  memory.set_time(sample->time);
  if (used.memory_limit_bytes > 0) {
    memory.set_available_bytes(
        std::max<int64_t>(used.memory_limit_bytes - used.working_set_bytes(), 0));
  }
  memory.set_usage_bytes(used.memory_bytes);
  memory.set_working_set_bytes(used.working_set_bytes());
  memory.set_rss_bytes(used.rss_bytes);
  memory.set_page_faults(used.page_faults);
  memory.set_major_page_faults(used.major_page_faults);
  stats::SwapStatsEdit swap = edit.edit_swap();
  swap.set_time(sample->time);
  swap.set_swap_usage_bytes(used.swap_bytes);
}

template <class Edit>
void fill_interface(Edit edit, const InterfaceUsage& from) {
  edit.set_name(from.name);
  edit.set_rx_bytes(from.rx_bytes);
  edit.set_rx_errors(from.rx_errors);
  edit.set_tx_bytes(from.tx_bytes);
  edit.set_tx_errors(from.tx_errors);
}

template <class Edit>
void fill_network(Edit edit, const std::vector<InterfaceUsage>& interfaces, MicroTime time) {
  const InterfaceUsage* main = main_interface(interfaces);
  if (!main) return;
  stats::NetworkStatsEdit network = edit.edit_network();
  network.set_time(time);
  fill_interface(network, *main);
  for (const InterfaceUsage& one : interfaces) {
    fill_interface(network.edit_interfaces().append(), one);
  }
}

template <class Edit>
void fill_fs(Edit edit, const FsUsage& from) {
  edit.set_time(from.time);
  edit.set_available_bytes(from.available);
  edit.set_capacity_bytes(from.capacity);
  edit.set_used_bytes(from.used);
  edit.set_inodes_free(from.inodes_free);
  edit.set_inodes(from.inodes);
  edit.set_inodes_used(from.inodes_used);
}

void fill_pod(stats::PodStatsEdit edit, const PodUsage& pod, bool only_cpu_and_memory) {
  stats::PodReferenceEdit reference = edit.edit_pod_ref();
  reference.set_name(pod.name);
  reference.set_namespace(pod.ns);
  reference.set_uid(pod.uid);
  if (pod.started > 0) edit.set_start_time(pod.started);
  for (const ContainerUsage& container : pod.containers) {
    stats::ContainerStatsEdit one = edit.edit_containers().append();
    one.set_name(container.name);
    if (container.started > 0) one.set_start_time(container.started);
    fill_sample(one, container.sample);
    if (only_cpu_and_memory) continue;
    if (container.rootfs) fill_fs(one.edit_rootfs(), *container.rootfs);
    if (container.logs) fill_fs(one.edit_logs(), *container.logs);
  }
  fill_sample(edit, pod.sample);
  if (only_cpu_and_memory) return;
  for (const VolumeUsage& volume : pod.volumes) {
    stats::VolumeStatsEdit one = edit.edit_volume().append();
    one.set_name(volume.name);
    fill_fs(one, volume.fs);
  }
  if (pod.ephemeral_storage) fill_fs(edit.edit_ephemeral_storage(), *pod.ephemeral_storage);
  if (!pod.sample) return;
  fill_network(edit, pod.network, pod.sample->time);
  edit.edit_process_stats().set_process_count(pod.processes);
}

void fill_machine(stats::NodeStatsEdit node, const NodeUsage& usage, MicroTime time) {
  const MachinePressure& machine = usage.machine;
  if (usage.sample) node.edit_swap().set_swap_available_bytes(machine.swap_available);
  if (usage.fs) fill_fs(node.edit_fs(), *usage.fs);
  if (usage.image_fs) fill_fs(node.edit_runtime().edit_image_fs(), *usage.image_fs);
  stats::RlimitStatsEdit limits = node.edit_rlimit();
  limits.set_time(time);
  limits.set_maxpid(machine.pids_max);
  limits.set_curproc(machine.pids_used);
}

}  // namespace

std::string summary_json(const NodeUsage& usage, bool only_cpu_and_memory) {
  Draft draft(stats::Summary::message());
  stats::SummaryEdit summary(draft);
  stats::NodeStatsEdit node = summary.edit_node();
  node.set_node_name(usage.name);
  if (usage.booted > 0) node.set_start_time(usage.booted);
  fill_sample(node, usage.sample);
  if (!only_cpu_and_memory && usage.sample) {
    fill_network(node, usage.network, usage.sample->time);
    fill_machine(node, usage, usage.sample->time);
  }
  summary.edit_pods();
  for (const PodUsage& pod : usage.pods) {
    fill_pod(summary.edit_pods().append(), pod, only_cpu_and_memory);
  }
  std::string out;
  codec::encode_json(draft.type(), draft.root(), out);
  return out;
}

}  // namespace tiphys::kubelet
