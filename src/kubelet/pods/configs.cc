#include "kubelet/pods/configs.h"

#include "kinds/pods.h"
#include "kubelet/pods/security.h"
#include "kubelet/pods/sysctls.h"

namespace tiphys::kubelet {
namespace {

int32_t cri_protocol(std::string_view name) {
  if (name == "UDP") return 1;
  if (name == "SCTP") return 2;
  return 0;
}

void write_ports(core_v1::Container container, cri_v1::PodSandboxConfigEdit out) {
  for (core_v1::ContainerPort port : container.ports()) {
    if (port.host_port() <= 0) continue;
    cri_v1::PortMappingEdit mapping = out.edit_port_mappings().append();
    mapping.set_protocol(cri_protocol(port.protocol()));
    mapping.set_container_port(port.container_port());
    mapping.set_host_port(port.host_port());
    mapping.set_host_ip(port.host_ip());
  }
}

void write_dns(const DnsSettings& dns, cri_v1::DNSConfigEdit out) {
  for (const std::string& server : dns.servers) out.edit_servers().append(server);
  for (const std::string& search : dns.searches) out.edit_searches().append(search);
  for (const std::string& option : dns.options) out.edit_options().append(option);
}

template <class Labels>
void write_pod_labels(core_v1::Pod pod, Labels labels) {
  labels.set(kPodNameLabel, pod.metadata().name());
  labels.set(kPodNamespaceLabel, pod.metadata().namespace_());
  labels.set(kPodUidLabel, pod.metadata().uid());
}

int64_t grace_period(core_v1::PodSpec spec) {
  return spec.has_termination_grace_period_seconds() ? spec.termination_grace_period_seconds() : 30;
}

void write_resources(const ContainerInput& in, cri_v1::LinuxContainerResourcesEdit out) {
  os::CgroupLimits limits = container_limits(in.pod.spec(), in.container, in.limits);
  out.set_cpu_shares(limits.cpu_shares);
  if (limits.cpu_quota_us > 0) {
    out.set_cpu_quota(limits.cpu_quota_us);
    out.set_cpu_period(limits.cpu_period_us);
  }
  out.set_memory_limit_in_bytes(limits.memory_bytes);
  out.set_oom_score_adj(oom_score_adjustment(in.pod.spec(), in.container, in.memory_capacity));
  out.set_memory_swap_limit_in_bytes(limits.memory_bytes);  // none of it is swap
  for (int64_t size : in.limits.huge_page_sizes) {
    cri_v1::HugepageLimitEdit edit = out.edit_hugepage_limits().append();
    edit.set_page_size(os::huge_page_name(size));
    auto limit = limits.huge_pages.find(os::huge_page_name(size));
    edit.set_limit(limit == limits.huge_pages.end() ? 0 : limit->second);
  }
  if (in.limits.group_oom_kill) {
    out.edit_unified().set("memory.oom.group", "1");
  }
}

void write_annotations(const ContainerInput& in, cri_v1::ContainerConfigEdit out) {
  auto annotations = out.edit_annotations();
  annotations.set(kHashAnnotation, container_hash(in.container));
  annotations.set(kRestartCountAnnotation, std::to_string(in.attempt));
  annotations.set(kMessagePathAnnotation, in.container.termination_message_path());
  annotations.set(kMessagePolicyAnnotation, in.container.termination_message_policy());
  annotations.set(kMessageFileAnnotation, in.message_file);
  annotations.set(kGracePeriodAnnotation, std::to_string(grace_period(in.pod.spec())));
}

void write_command(const ContainerInput& in, cri_v1::ContainerConfigEdit out) {
  Variables variables = in.environment.lookup();
  for (std::string_view word : in.container.command()) {
    out.edit_command().append(expand_variables(word, variables));
  }
  for (std::string_view word : in.container.args()) {
    out.edit_args().append(expand_variables(word, variables));
  }
  out.set_working_dir(in.container.working_dir());
  for (const auto& [name, value] : in.environment.variables) {
    cri_v1::KeyValueEdit variable = out.edit_envs().append();
    variable.set_key(name);
    variable.set_value(value);
  }
}

void write_mounts(const ContainerInput& in, cri_v1::ContainerConfigEdit out) {
  for (const ResolvedMount& mount : in.mounts) {
    cri_v1::MountEdit edit = out.edit_mounts().append();
    edit.set_container_path(mount.container_path);
    edit.set_host_path(mount.host_path);
    edit.set_readonly(mount.read_only);
    edit.set_propagation(mount.propagation);
  }
}

}  // namespace

std::string pod_log_folder(core_v1::Pod pod) {
  return std::string(pod.metadata().namespace_()) + "_" + std::string(pod.metadata().name()) + "_" +
         std::string(pod.metadata().uid());
}

ObjectPtr sandbox_config(const SandboxInput& in) {
  Draft draft(cri_v1::PodSandboxConfig::message());
  cri_v1::PodSandboxConfigEdit out(draft);
  core_v1::Pod pod = in.pod;
  cri_v1::PodSandboxMetadataEdit metadata = out.edit_metadata();
  metadata.set_name(pod.metadata().name());
  metadata.set_namespace(pod.metadata().namespace_());
  metadata.set_uid(pod.metadata().uid());
  metadata.set_attempt(in.attempt);
  if (!in.hostname.empty()) out.set_hostname(in.hostname);
  out.set_log_directory(in.log_directory);
  write_dns(in.dns, out.edit_dns_config());
  for (core_v1::Container c : pod.spec().containers()) write_ports(c, out);
  for (core_v1::Container c : pod.spec().init_containers()) {
    if (kinds::is_sidecar(c)) write_ports(c, out);
  }
  for (auto [key, value] : pod.metadata().labels()) out.edit_labels().set(key, value);
  write_pod_labels(pod, out.edit_labels());
  for (auto [key, value] : pod.metadata().annotations()) out.edit_annotations().set(key, value);
  cri_v1::LinuxPodSandboxConfigEdit linux_config = out.edit_linux();
  linux_config.set_cgroup_parent(in.cgroup_parent);
  for (core_v1::Sysctl sysctl : pod.spec().security_context().sysctls()) {
    linux_config.edit_sysctls().set(dotted_sysctl(sysctl.name()), sysctl.value());
  }
  write_sandbox_security(pod, linux_config.edit_security_context());
  return draft.freeze();
}

ObjectPtr container_resources(const ContainerInput& in) {
  Draft draft(cri_v1::LinuxContainerResources::message());
  write_resources(in, cri_v1::LinuxContainerResourcesEdit(draft));
  return draft.freeze();
}

Result<ObjectPtr> container_config(const ContainerInput& in) {
  Draft draft(cri_v1::ContainerConfig::message());
  cri_v1::ContainerConfigEdit out(draft);
  out.edit_metadata().set_name(in.container.name());
  out.edit_metadata().set_attempt(in.attempt);
  out.edit_image().set_image(in.image);
  write_command(in, out);
  write_mounts(in, out);
  write_pod_labels(in.pod, out.edit_labels());
  out.edit_labels().set(kContainerNameLabel, in.container.name());
  write_annotations(in, out);
  out.set_log_path(std::string(in.container.name()) + "/" + std::to_string(in.attempt) + ".log");
  out.set_stdin(in.container.stdin());
  out.set_stdin_once(in.container.stdin_once());
  out.set_tty(in.container.tty());
  write_resources(in, out.edit_linux().edit_resources());
  Result<void> security = write_container_security(in, out.edit_linux().edit_security_context());
  if (!security) return security.error();
  return draft.freeze();
}

}  // namespace tiphys::kubelet
