#include "kubelet/runtime/cri_records.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

// enum ContainerState of runtime.v1.
ContainerState container_state(int32_t state) {
  switch (state) {
    case 0:
      return ContainerState::kCreated;
    case 1:
      return ContainerState::kRunning;
    case 2:
      return ContainerState::kExited;
    default:
      return ContainerState::kUnknown;
  }
}

MicroTime micros(int64_t nanos) { return nanos <= 0 ? 0 : nanos / 1000; }

std::string text(std::string_view view) { return std::string(view); }

ContainerUser container_user(cri_v1::LinuxContainerUser user) {
  ContainerUser out{user.uid(), user.gid(), {}};
  for (int64_t group : user.supplemental_groups()) out.supplemental_groups.push_back(group);
  return out;
}

// What listings and statuses both say.
template <class Sandbox>
SandboxRecord sandbox_of(Sandbox s) {
  SandboxRecord out;
  out.id = text(s.id());
  out.pod_uid = text(s.metadata().uid());
  out.pod_name = text(s.metadata().name());
  out.pod_namespace = text(s.metadata().namespace_());
  out.attempt = static_cast<uint32_t>(s.metadata().attempt());
  out.ready = s.state() == 0;
  out.created = micros(s.created_at());
  return out;
}

template <class Container>
ContainerRecord container_of(Container c) {
  ContainerRecord out;
  out.id = text(c.id());
  out.pod_uid = text(c.labels().find(kPodUidLabel));
  out.name = text(c.metadata().name());
  out.attempt = static_cast<uint32_t>(c.metadata().attempt());
  out.state = container_state(c.state());
  out.created = micros(c.created_at());
  for (auto [key, value] : c.annotations()) out.annotations.emplace(text(key), text(value));
  return out;
}

}  // namespace

SandboxRecord sandbox_record(cri_v1::PodSandbox s) { return sandbox_of(s); }

SandboxRecord sandbox_record(cri_v1::PodSandboxStatus s) {
  SandboxRecord out = sandbox_of(s);
  if (!s.network().ip().empty()) out.ips.push_back(text(s.network().ip()));
  for (cri_v1::PodIP ip : s.network().additional_ips()) out.ips.push_back(text(ip.ip()));
  return out;
}

ContainerRecord container_record(cri_v1::Container c) {
  ContainerRecord out = container_of(c);
  out.sandbox_id = text(c.pod_sandbox_id());
  out.image_id = text(c.image_id().empty() ? c.image_ref() : c.image_id());
  return out;
}

ContainerRecord container_record(cri_v1::ContainerStatus s) {
  ContainerRecord out = container_of(s);
  out.started = micros(s.started_at());
  out.finished = micros(s.finished_at());
  out.exit_code = s.exit_code();
  out.reason = text(s.reason());
  out.message = text(s.message());
  out.image = text(s.image().image());
  out.image_id = text(s.image_ref());
  out.log_path = text(s.log_path());
  if (s.user().has_linux()) out.user = container_user(s.user().linux());
  return out;
}

ImageRecord image_record(cri_v1::Image image) {
  ImageRecord out;
  out.found = image.has_id();
  out.id = text(image.id());
  for (std::string_view name : image.repo_digests()) out.names.push_back(text(name));
  for (std::string_view name : image.repo_tags()) out.names.push_back(text(name));
  out.size_bytes = image.size();
  out.pinned = image.pinned();
  if (image.has_uid()) out.uid = image.uid().value();
  out.user = text(image.username());
  return out;
}

ImageFsRecord image_fs_record(cri_v1::FilesystemUsage fs) {
  ImageFsRecord out;
  out.time = micros(fs.timestamp());
  out.mount_point = text(fs.fs_id().mountpoint());
  out.bytes = static_cast<int64_t>(fs.used_bytes().value());
  out.inodes = static_cast<int64_t>(fs.inodes_used().value());
  return out;
}

std::optional<UsageRecord> usage_record(cri_v1::ContainerStats stats) {
  cri_v1::CpuUsage cpu = stats.cpu();
  cri_v1::MemoryUsage memory = stats.memory();
  if (!cpu.has_usage_core_nano_seconds() || !memory.has_working_set_bytes()) return std::nullopt;
  UsageRecord out;
  out.container_id = text(stats.attributes().id());
  out.time = micros(cpu.timestamp());
  out.writable_bytes = static_cast<int64_t>(stats.writable_layer().used_bytes().value());
  out.writable_inodes = static_cast<int64_t>(stats.writable_layer().inodes_used().value());
  out.writable_time = micros(stats.writable_layer().timestamp());
  out.used.cpu_ns = cpu.usage_core_nano_seconds().value();
  int64_t working_set = memory.working_set_bytes().value();
  out.used.memory_bytes = std::max(working_set, memory.usage_bytes().value());
  out.used.inactive_file_bytes = out.used.memory_bytes - working_set;
  out.used.rss_bytes = memory.rss_bytes().value();
  out.used.page_faults = memory.page_faults().value();
  out.used.major_page_faults = memory.major_page_faults().value();
  if (memory.has_available_bytes() && memory.available_bytes().value() > 0) {
    out.used.memory_limit_bytes = working_set + memory.available_bytes().value();
  }
  return out;
}

RuntimeStatus runtime_status(cri_v1::StatusResponse answer) {
  RuntimeStatus out;
  if (answer.has_features()) {
    out.supplemental_groups_policy = answer.features().supplemental_groups_policy();
  }
  for (cri_v1::RuntimeHandler h : answer.runtime_handlers()) {
    out.handlers.push_back({text(h.name()), h.features().recursive_read_only_mounts(),
                            h.features().user_namespaces()});
  }
  // Runtimes list them in any order; the node's status stays as it is.
  std::ranges::sort(out.handlers, {}, &RuntimeHandler::name);
  for (cri_v1::RuntimeCondition c : answer.status().conditions()) {
    RuntimeCondition condition{c.status(), text(c.reason()), text(c.message())};
    if (c.type() == "RuntimeReady") out.runtime = condition;
    if (c.type() == "NetworkReady") out.network = condition;
  }
  return out;
}

}  // namespace tiphys::kubelet
