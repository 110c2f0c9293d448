// Windows' own security options, host process pods, and what spec.os rules out.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/container_parts.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kSystems[] = {"linux", "windows"};
constexpr size_t kMaxCredentialSpecKib = 64;
constexpr size_t kMaxDomainBytes = 256;
constexpr size_t kMaxNetBiosBytes = 15;
constexpr size_t kMaxLabelBytes = 63;
constexpr size_t kMaxUserBytes = 104;

bool has_any(std::string_view text, std::string_view characters) {
  return text.find_first_of(characters) != std::string_view::npos;
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_net_bios_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNetBiosBytes && text.front() != '.' &&
         !has_any(text, "\\/:*?\"<>|");
}

bool is_dns_domain(std::string_view text) {
  for (std::string_view label : split(to_lower(text), '.')) {
    if (label.size() > kMaxLabelBytes || !check_dns1123_label(label).empty()) return false;
  }
  return true;
}

// What is wrong with DOMAIN\user.
std::vector<std::string> user_name_problems(std::string_view text) {
  std::vector<std::string_view> parts = split(text, '\\');
  if (text.empty()) return {"runAsUserName cannot be an empty string"};
  if (has_control_character(text)) return {"runAsUserName cannot contain control characters"};
  if (parts.size() > 2) return {"runAsUserName cannot contain more than one backslash"};
  std::string_view domain = parts.size() == 2 ? parts[0] : std::string_view();
  std::string_view user = parts.back();
  std::vector<std::string> problems;
  if (domain.size() >= kMaxDomainBytes) {
    problems.push_back("runAsUserName's Domain length must be under 256 characters");
  }
  if (parts.size() == 2 && !is_net_bios_name(domain) && !is_dns_domain(domain)) {
    problems.push_back("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user.empty()) {
    problems.push_back("runAsUserName's User cannot be empty");
  } else if (user.size() > kMaxUserBytes) {
    problems.push_back("runAsUserName's User length must not be longer than 104 characters");
  }
  if (!user.empty() && user.find_first_not_of(". ") == std::string_view::npos) {
    problems.push_back("runAsUserName's User cannot contain only periods or spaces");
  }
  if (has_any(user, "\"/\\:;|=,+*?<>@[]")) {
    problems.push_back(
        "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
  }
  return problems;
}

// The JSON names of what a pod or a container can't have on Windows.
// Those that begin with a dot are the pod's own, the rest its security context's.
constexpr std::string_view kPodFields[] = {"appArmorProfile",
                                           "seLinuxOptions",
                                           ".hostUsers",
                                           ".hostPID",
                                           ".hostIPC",
                                           "seccompProfile",
                                           "fsGroup",
                                           "fsGroupChangePolicy",
                                           "sysctls",
                                           ".shareProcessNamespace",
                                           "runAsUser",
                                           "runAsGroup",
                                           "supplementalGroups",
                                           "supplementalGroupsPolicy",
                                           "seLinuxChangePolicy"};
constexpr std::string_view kContainerContextFields[] = {"appArmorProfile",
                                                        "seLinuxOptions",
                                                        "seccompProfile",
                                                        "capabilities",
                                                        "readOnlyRootFilesystem",
                                                        "privileged",
                                                        "allowPrivilegeEscalation",
                                                        "procMount",
                                                        "runAsUser",
                                                        "runAsGroup"};

void forbid_field(const schema::Message& type, const Node& node, std::string_view name,
                  const FieldPath& path, FieldErrors& errors) {
  if (schema::find_path(type, node, {name}).is_null()) return;
  errors.forbidden(path.child(name), "cannot be set for a windows pod");
}

void validate_windows_pod(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  const Node& context = spec.security_context().node();
  for (std::string_view name : kPodFields) {
    if (name.starts_with('.')) {
      forbid_field(core_v1::PodSpec::message_type(), spec.node(), name.substr(1), path, errors);
    } else {
      forbid_field(core_v1::PodSecurityContext::message_type(), context, name,
                   path.child("securityContext"), errors);
    }
  }
  for_each_container(spec, path, [&](core_v1::Container container, const FieldPath& at) {
    for (std::string_view name : kContainerContextFields) {
      forbid_field(core_v1::SecurityContext::message_type(), container.security_context().node(),
                   name, at.child("securityContext"), errors);
    }
  });
}

void validate_linux_pod(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  constexpr std::string_view kWhy = "windows options cannot be set for a linux pod";
  if (spec.security_context().has_windows_options()) {
    errors.forbidden(path.child("securityContext").child("windowsOptions"), kWhy);
  }
  for_each_container(spec, path, [&](core_v1::Container container, const FieldPath& at) {
    if (container.security_context().has_windows_options()) {
      errors.forbidden(at.child("securityContext").child("windowsOptions"), kWhy);
    }
  });
}

}  // namespace

void validate_windows_options(core_v1::WindowsSecurityContextOptions options, const FieldPath& path,
                              FieldErrors& errors) {
  if (options.has_gmsa_credential_spec_name()) {
    std::string_view name = options.gmsa_credential_spec_name();
    errors.invalid_all(path.child("gmsaCredentialSpecName"), name, check_dns1123_subdomain(name));
  }
  if (options.has_gmsa_credential_spec()) {
    std::string_view text = options.gmsa_credential_spec();
    FieldPath at = path.child("gmsaCredentialSpec");
    if (text.empty()) errors.invalid(at, text, "gmsaCredentialSpec cannot be an empty string");
    if (text.size() > kMaxCredentialSpecKib * 1024) {
      errors.invalid(at, text, "gmsaCredentialSpec size must be under 64 KiB");
    }
  }
  if (options.has_run_as_user_name()) {
    std::string_view name = options.run_as_user_name();
    errors.invalid_all(path.child("runAsUserName"), name, user_name_problems(name));
  }
}

void validate_host_process(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  core_v1::WindowsSecurityContextOptions pod = spec.security_context().windows_options();
  size_t total = 0;
  size_t host_process = 0;
  for_each_container(spec, path, [&](core_v1::Container container, const FieldPath& at) {
    core_v1::WindowsSecurityContextOptions own = container.security_context().windows_options();
    bool differs = pod.has_host_process() && own.has_host_process() &&
                   pod.host_process() != own.host_process();
    if (differs) {
      std::string was = pod.host_process() ? "true" : "false";
      errors.invalid_raw(
          at.child("securityContext").child("windowsOptions").child("hostProcess"),
          own.host_process() ? "true" : "false",
          "pod hostProcess value must be identical if both are specified, was " + was);
    }
    ++total;
    if (own.has_host_process() ? own.host_process() : pod.host_process()) ++host_process;
  });
  if (host_process == 0) return;
  if (host_process != total) {
    errors.invalid(path, "",
                   "If pod contains any hostProcess containers then all containers must be "
                   "HostProcess containers");
  }
  if (!spec.host_network()) {
    errors.invalid_raw(path.child("hostNetwork"), "false",
                       "hostNetwork must be true if pod contains any hostProcess containers");
  }
}

void validate_os(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  if (!spec.has_os()) return;
  std::string_view name = spec.os().name();
  if (name.empty()) {
    errors.required(path.child("os").child("name"));
  } else if (name == "linux") {
    validate_linux_pod(spec, path, errors);
  } else if (name == "windows") {
    validate_windows_pod(spec, path, errors);
  } else {
    errors.not_supported(path.child("os"), name, kSystems);
  }
}

}  // namespace tiphys::apiserver
