// Security contexts of pods and containers.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/container_parts.h"
#include "apiserver/validation/rules.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kProfiles[] = {"Localhost", "RuntimeDefault", "Unconfined"};
constexpr std::string_view kProcMounts[] = {"Default", "Unmasked"};
constexpr size_t kMaxSysctlBytes = 253;
constexpr int kMaxAppArmorBytes = 4095;
constexpr std::string_view kSysctlSegment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";

// Sysctls that the kernel keeps once for each IPC or network namespace.
constexpr std::string_view kIpcSysctls[] = {
    "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    "kernel.shm", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.msg"};
constexpr std::string_view kIpcPrefix = "fs.mqueue.";
constexpr std::string_view kNetPrefix = "net.";

void validate_seccomp(core_v1::SeccompProfile profile, const FieldPath& path, FieldErrors& errors) {
  if (profile.type().empty()) {
    errors.required(path.child("type"), "type is required when seccompProfile is set");
  } else {
    check_supported(profile.type(), kProfiles, path.child("type"), errors);
  }
  FieldPath local = path.child("localhostProfile");
  if (profile.type() == "Localhost") {
    if (!profile.has_localhost_profile()) {
      errors.required(local, "must be set when seccomp type is Localhost");
    } else {
      check_relative_path(profile.localhost_profile(), local, errors);
    }
  } else if (profile.has_localhost_profile()) {
    std::string json;
    codec::encode_json(core_v1::SeccompProfile::message_type(), profile.node(), json);
    errors.invalid_raw(local, json, "can only be set when seccomp type is Localhost");
  }
}

void validate_app_armor_path(core_v1::AppArmorProfile profile, const FieldPath& path,
                             FieldErrors& errors) {
  constexpr std::string_view kMissing = "must be set when AppArmor type is Localhost";
  if (!profile.has_localhost_profile()) {
    errors.required(path, kMissing);
    return;
  }
  std::string_view text = profile.localhost_profile();
  if (trim(text) != text) {
    errors.invalid(path, text, "must not be padded with whitespace");
  } else if (text.empty()) {
    errors.required(path, kMissing);
  }
  if (text.size() > kMaxAppArmorBytes) errors.too_long(path, kMaxAppArmorBytes);
}

void validate_app_armor(core_v1::AppArmorProfile profile, const FieldPath& path,
                        FieldErrors& errors) {
  FieldPath local = path.child("localhostProfile");
  if (profile.type() == "Localhost") {
    validate_app_armor_path(profile, local, errors);
  } else if (profile.type().empty()) {
    errors.required(path.child("type"), "type is required when appArmorProfile is set");
  } else if (!is_one_of(profile.type(), kProfiles)) {
    errors.not_supported(path.child("type"), profile.type(), kProfiles);
  } else if (profile.has_localhost_profile()) {
    errors.invalid(local, profile.localhost_profile(),
                   "can only be set when AppArmor type is Localhost");
  }
}

// Segments of lower case letters, digits, '-' and '_', between dots or slashes.
bool is_sysctl_name(std::string_view name) {
  if (name.size() > kMaxSysctlBytes) return false;
  auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  std::string plain(name);
  std::ranges::replace(plain, '/', '.');
  for (std::string_view segment : split(plain, '.')) {
    if (segment.empty() || !alphanumeric(segment.front()) || !alphanumeric(segment.back())) {
      return false;
    }
    for (char c : segment) {
      if (!alphanumeric(c) && c != '-' && c != '_') return false;
    }
  }
  return true;
}

// Dots as separators, as the kernel's documents have it: what stands first in the name decides.
std::string dotted_sysctl(std::string_view name) {
  size_t first = name.find_first_of("./");
  std::string text(name);
  if (first == std::string_view::npos || name[first] == '.') return text;
  for (char& c : text) c = c == '.' ? '/' : c == '/' ? '.' : c;
  return text;
}

void validate_sysctls(const PodScope& pod, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> names;
  auto sysctls = pod.spec.security_context().sysctls();
  for (size_t i = 0; i < sysctls.size(); ++i) {
    std::string_view name = sysctls[i].name();
    FieldPath at = path.index(i).child("name");
    if (name.empty()) {
      errors.required(at);
    } else if (!is_sysctl_name(name)) {
      std::string segment(kSysctlSegment);
      errors.invalid(at, name,
                     "must have at most 253 characters and match regex ^(" + segment + "[\\./])*" +
                         segment + "$");
    } else if (names.contains(name)) {
      errors.duplicate(at, name);
    }
    if (!pod.allow.host_sysctls) validate_host_sysctl(pod.spec, name, at, errors);
    names.insert(name);
  }
}

// `context` is set in Go's structs as a whole: upstream prints all of it.
void invalid_context(core_v1::SecurityContext context, std::string_view detail,
                     const FieldPath& path, FieldErrors& errors) {
  std::string json;
  codec::encode_json(core_v1::SecurityContext::message_type(), context.node(), json);
  errors.invalid_raw(path, json, detail);
}

void validate_escalation(core_v1::SecurityContext context, const FieldPath& path,
                         FieldErrors& errors) {
  if (!context.has_allow_privilege_escalation() || context.allow_privilege_escalation()) return;
  if (context.privileged()) {
    invalid_context(context,
                    "cannot set `allowPrivilegeEscalation` to false and `privileged` to "
                    "true",
                    path, errors);
  }
  for (std::string_view capability : context.capabilities().add()) {
    if (capability != "CAP_SYS_ADMIN") continue;
    invalid_context(context,
                    "cannot set `allowPrivilegeEscalation` to false and "
                    "`capabilities.Add` CAP_SYS_ADMIN",
                    path, errors);
  }
}

void validate_id(bool present, int64_t id, const FieldPath& path, FieldErrors& errors) {
  if (present) check_number(check_user_or_group_id(id), id, path, errors);
}

void validate_pod_ids(core_v1::PodSecurityContext context, const FieldPath& path,
                      FieldErrors& errors) {
  validate_id(context.has_fs_group(), context.fs_group(), path.child("fsGroup"), errors);
  validate_id(context.has_run_as_user(), context.run_as_user(), path.child("runAsUser"), errors);
  validate_id(context.has_run_as_group(), context.run_as_group(), path.child("runAsGroup"), errors);
  auto groups = context.supplemental_groups();
  for (size_t i = 0; i < groups.size(); ++i) {
    validate_id(true, groups[i], path.child("supplementalGroups").index(i), errors);
  }
}

}  // namespace

void validate_host_sysctl(core_v1::PodSpec spec, std::string_view name, const FieldPath& path,
                          FieldErrors& errors) {
  std::string text = dotted_sysctl(name);
  if (spec.host_network() && text.starts_with(kNetPrefix)) {
    errors.invalid(path, name, "may not be specified when 'hostNetwork' is true");
  } else if (spec.host_ipc() && (is_one_of(text, kIpcSysctls) || text.starts_with(kIpcPrefix))) {
    errors.invalid(path, name, "may not be specified when 'hostIPC' is true");
  }
}

void validate_container_security(core_v1::SecurityContext context, bool host_users,
                                 const FieldPath& path, FieldErrors& errors) {
  validate_id(context.has_run_as_user(), context.run_as_user(), path.child("runAsUser"), errors);
  validate_id(context.has_run_as_group(), context.run_as_group(), path.child("runAsGroup"), errors);
  if (context.has_proc_mount()) {
    check_supported(context.proc_mount(), kProcMounts, path.child("procMount"), errors);
    if (host_users && context.proc_mount() == "Unmasked") {
      errors.invalid(path.child("procMount"), context.proc_mount(),
                     "`hostUsers` must be false to use `Unmasked`");
    }
  }
  if (context.has_seccomp_profile()) {
    validate_seccomp(context.seccomp_profile(), path.child("seccompProfile"), errors);
  }
  validate_escalation(context, path, errors);
  if (context.has_windows_options()) {
    validate_windows_options(context.windows_options(), path.child("windowsOptions"), errors);
  }
  if (context.has_app_armor_profile()) {
    validate_app_armor(context.app_armor_profile(), path.child("appArmorProfile"), errors);
  }
}

void validate_pod_security(const PodScope& pod, const FieldPath& path, FieldErrors& errors) {
  if (!pod.spec.has_security_context()) return;
  core_v1::PodSecurityContext context = pod.spec.security_context();
  validate_pod_ids(context, path, errors);
  if (pod.spec.share_process_namespace() && pod.spec.host_pid()) {
    errors.invalid_raw(path.child("shareProcessNamespace"), "true",
                       "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  validate_sysctls(pod, path.child("sysctls"), errors);
  auto check = [&](std::initializer_list<std::string_view> fields) {
    validate_fields(core_v1::PodSecurityContext::message_type(), context.node(), fields, path,
                    errors);
  };
  check({"fsGroupChangePolicy"});
  if (context.has_seccomp_profile()) {
    validate_seccomp(context.seccomp_profile(), path.child("seccompProfile"), errors);
  }
  if (context.has_windows_options()) {
    validate_windows_options(context.windows_options(), path.child("windowsOptions"), errors);
  }
  if (context.has_app_armor_profile()) {
    validate_app_armor(context.app_armor_profile(), path.child("appArmorProfile"), errors);
  }
  check({"supplementalGroupsPolicy", "seLinuxChangePolicy"});
}

}  // namespace tiphys::apiserver
