#include "kubelet/pods/security.h"

namespace tiphys::kubelet {
namespace {

enum NamespaceMode : int32_t { kPod = 0, kContainer = 1, kNode = 2, kTarget = 3 };
enum ProfileType : int32_t { kRuntimeDefault = 0, kUnconfined = 1, kLocalhost = 2 };

constexpr const char* kMaskedPaths[] = {
    "/proc/asound",     "/proc/acpi",        "/proc/interrupts",
    "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
constexpr const char* kReadOnlyPaths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                          "/proc/sysrq-trigger"};

void write_namespaces(core_v1::PodSpec spec, cri_v1::NamespaceOptionEdit out) {
  out.set_network(spec.host_network() ? kNode : kPod);
  out.set_ipc(spec.host_ipc() ? kNode : kPod);
  out.set_pid(spec.host_pid() ? kNode : spec.share_process_namespace() ? kPod : kContainer);
}

Result<void> write_seccomp(const ContainerInput& in, core_v1::SeccompProfile profile,
                           cri_v1::SecurityProfileEdit out) {
  std::string_view type = profile.type();
  bool privileged = in.container.security_context().privileged();
  if (type.empty() && in.seccomp_default && !privileged) return {};  // the runtime's
  if (privileged || type.empty() || type == "Unconfined") {
    out.set_profile_type(kUnconfined);
  } else if (type == "Localhost") {
    // The runtime takes a profile without a name for none at all (CVE-2023-2431).
    if (profile.localhost_profile().empty()) {
      return ApiStatus::bad_request(
          "localhostProfile must be set if seccompProfile type is Localhost.");
    }
    out.set_profile_type(kLocalhost);
    out.set_localhost_ref(in.seccomp_folder + "/" + std::string(profile.localhost_profile()));
  }
  return {};
}

void write_apparmor(core_v1::AppArmorProfile profile, cri_v1::SecurityProfileEdit out) {
  if (profile.type() == "Unconfined") out.set_profile_type(kUnconfined);
  if (profile.type() == "Localhost") {
    out.set_profile_type(kLocalhost);
    out.set_localhost_ref(profile.localhost_profile());
  }
}

bool is_privileged_pod(core_v1::PodSpec spec) {
  for (core_v1::Container c : spec.containers()) {
    if (c.security_context().privileged()) return true;
  }
  for (core_v1::Container c : spec.init_containers()) {
    if (c.security_context().privileged()) return true;
  }
  return false;
}

// Without SELinux on the host the runtime takes no notice.
template <class Out>
void write_selinux(core_v1::SELinuxOptions from, Out out) {
  if (!from.has_user() && !from.has_role() && !from.has_type() && !from.has_level()) return;
  cri_v1::SELinuxOptionEdit edit = out.edit_selinux_options();
  edit.set_user(from.user());
  edit.set_role(from.role());
  edit.set_type(from.type());
  edit.set_level(from.level());
}

template <class Out>
void write_groups(core_v1::PodSecurityContext pod, Out out) {
  if (pod.has_fs_group()) out.edit_supplemental_groups().append(pod.fs_group());
  for (int64_t group : pod.supplemental_groups()) out.edit_supplemental_groups().append(group);
  if (pod.supplemental_groups_policy() == "Strict") out.set_supplemental_groups_policy(1);
}

std::string who(const ContainerInput& in) {
  return "(pod: \"" + pod_label(in.pod) + "\", container: " + std::string(in.container.name()) +
         ")";
}

// What securityContext of pod and container say of the user together.
struct User {
  bool has_uid = false;
  int64_t uid = 0;
  bool has_gid = false;
  int64_t gid = 0;
  bool non_root = false;
};

User user_of(core_v1::PodSecurityContext pod, core_v1::SecurityContext own) {
  User out;
  out.has_uid = own.has_run_as_user() || pod.has_run_as_user();
  out.uid = own.has_run_as_user() ? own.run_as_user() : pod.run_as_user();
  out.has_gid = own.has_run_as_group() || pod.has_run_as_group();
  out.gid = own.has_run_as_group() ? own.run_as_group() : pod.run_as_group();
  out.non_root = own.has_run_as_non_root() ? own.run_as_non_root() : pod.run_as_non_root();
  return out;
}

Result<void> check_non_root(const ContainerInput& in, const User& user) {
  if (!user.non_root) return {};
  if (user.has_uid) {
    if (user.uid != 0) return {};
    return ApiStatus::bad_request("container's runAsUser breaks non-root policy " + who(in));
  }
  if (in.image_uid > 0) return {};
  if (in.image_uid < 0 && !in.image_user.empty()) {
    return ApiStatus::bad_request("container has runAsNonRoot and image has non-numeric user (" +
                                  in.image_user + "), cannot verify user is non-root " + who(in));
  }
  return ApiStatus::bad_request("container has runAsNonRoot and image will run as root " + who(in));
}

void write_capabilities(core_v1::Capabilities from, cri_v1::CapabilityEdit out) {
  for (std::string_view name : from.add()) out.edit_add_capabilities().append(name);
  for (std::string_view name : from.drop()) out.edit_drop_capabilities().append(name);
}

}  // namespace

void write_sandbox_security(core_v1::Pod pod, cri_v1::LinuxSandboxSecurityContextEdit out) {
  core_v1::PodSpec spec = pod.spec();
  core_v1::PodSecurityContext context = spec.security_context();
  write_namespaces(spec, out.edit_namespace_options());
  bool privileged = is_privileged_pod(spec);
  out.set_privileged(privileged);
  out.edit_seccomp();  // the sandbox itself: the runtime's default
  if (privileged) out.edit_seccomp().set_profile_type(kUnconfined);
  if (context.has_run_as_user()) out.edit_run_as_user().set_value(context.run_as_user());
  if (context.has_run_as_user() && context.has_run_as_group()) {
    out.edit_run_as_group().set_value(context.run_as_group());
  }
  write_groups(context, out);
  write_selinux(context.se_linux_options(), out);
}

Result<void> write_container_security(const ContainerInput& in,
                                      cri_v1::LinuxContainerSecurityContextEdit out) {
  core_v1::PodSecurityContext pod = in.pod.spec().security_context();
  core_v1::SecurityContext own = in.container.security_context();
  User user = user_of(pod, own);
  Result<void> allowed = check_non_root(in, user);
  if (!allowed) return allowed;
  if (user.has_uid) {
    out.edit_run_as_user().set_value(user.uid);
  } else if (in.image_uid >= 0) {
    out.edit_run_as_user().set_value(in.image_uid);
  } else if (!in.image_user.empty()) {
    out.set_run_as_username(in.image_user);
  }
  bool names_user = user.has_uid || in.image_uid >= 0 || !in.image_user.empty();
  if (user.has_gid && names_user) out.edit_run_as_group().set_value(user.gid);
  write_groups(pod, out);
  write_namespaces(in.pod.spec(), out.edit_namespace_options());
  if (!in.pid_target.empty() && out.view().namespace_options().pid() == kContainer) {
    out.edit_namespace_options().set_pid(kTarget);
    out.edit_namespace_options().set_target_id(in.pid_target);
  }
  write_selinux(own.has_se_linux_options() ? own.se_linux_options() : pod.se_linux_options(), out);
  out.set_privileged(own.privileged());
  out.set_readonly_rootfs(own.read_only_root_filesystem());
  out.set_no_new_privs(own.has_allow_privilege_escalation() && !own.allow_privilege_escalation());
  write_capabilities(own.capabilities(), out.edit_capabilities());
  Result<void> seccomp =
      write_seccomp(in, own.has_seccomp_profile() ? own.seccomp_profile() : pod.seccomp_profile(),
                    out.edit_seccomp());
  if (!seccomp) return seccomp;
  core_v1::AppArmorProfile armor =
      own.has_app_armor_profile() ? own.app_armor_profile() : pod.app_armor_profile();
  if (armor.has_type()) write_apparmor(armor, out.edit_apparmor());
  if (!own.privileged() && own.proc_mount() != "Unmasked") {
    for (const char* path : kMaskedPaths) out.edit_masked_paths().append(path);
    for (const char* path : kReadOnlyPaths) out.edit_readonly_paths().append(path);
  }
  return {};
}

}  // namespace tiphys::kubelet
