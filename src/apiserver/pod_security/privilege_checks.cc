// Privileged containers, privilege escalation, host processes, unmasked /proc.
#include "apiserver/pod_security/checks.h"

namespace tiphys::apiserver::pod_security {

std::optional<Violation> privileged(const PodParts& pod) {
  Names bad;
  for_each_container(pod.spec, [&](const auto& container) {
    if (container.security_context().privileged()) bad.emplace_back(container.name());
  });
  if (bad.empty()) return std::nullopt;
  return Violation{"privileged", containers(bad) + " must not set securityContext.privileged=true"};
}

std::optional<Violation> windows_host_process(const PodParts& pod) {
  Names bad;
  for_each_container(pod.spec, [&](const auto& container) {
    bool host = container.security_context().windows_options().host_process();
    if (host) bad.emplace_back(container.name());
  });
  std::string who = setters(pod.spec.security_context().windows_options().host_process(), bad);
  if (who.empty()) return std::nullopt;
  return Violation{"hostProcess",
                   who + " must not set securityContext.windowsOptions.hostProcess=true"};
}

std::optional<Violation> privilege_escalation_8(const PodParts& pod) {
  Names bad;
  for_each_container(pod.spec, [&](const auto& container) {
    core_v1::SecurityContext context = container.security_context();
    bool off = context.has_allow_privilege_escalation() && !context.allow_privilege_escalation();
    if (!off) bad.emplace_back(container.name());
  });
  if (bad.empty()) return std::nullopt;
  return Violation{"allowPrivilegeEscalation != false",
                   containers(bad) + " must set securityContext.allowPrivilegeEscalation=false"};
}

std::optional<Violation> privilege_escalation_25(const PodParts& pod) {
  if (is_windows(pod.spec)) return std::nullopt;
  return privilege_escalation_8(pod);
}

std::optional<Violation> proc_mount(const PodParts& pod) {
  Names bad;
  NameSet types;
  for_each_container(pod.spec, [&](const auto& container) {
    core_v1::SecurityContext context = container.security_context();
    if (!context.has_proc_mount() || context.proc_mount() == "Default") return;
    bad.emplace_back(container.name());
    types.emplace(context.proc_mount());
  });
  if (bad.empty()) return std::nullopt;
  return Violation{"procMount",
                   containers(bad) + " must not set securityContext.procMount to " + quoted(types)};
}

std::optional<Violation> proc_mount_35(const PodParts& pod) {
  if (in_user_namespace(pod.spec)) return std::nullopt;
  return proc_mount(pod);
}

}  // namespace tiphys::apiserver::pod_security
