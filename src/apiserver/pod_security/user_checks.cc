// Nobody runs as root.
#include "apiserver/pod_security/checks.h"

namespace tiphys::apiserver::pod_security {

std::optional<Violation> run_as_non_root(const PodParts& pod) {
  core_v1::PodSecurityContext own = pod.spec.security_context();
  bool by_pod = own.has_run_as_non_root() && !own.run_as_non_root();
  Names explicitly;
  Names implicitly;
  for_each_container(pod.spec, [&](const auto& container) {
    core_v1::SecurityContext context = container.security_context();
    if (!context.has_run_as_non_root()) {
      if (!own.run_as_non_root()) implicitly.emplace_back(container.name());
    } else if (!context.run_as_non_root()) {
      explicitly.emplace_back(container.name());
    }
  });
  std::string who = setters(by_pod, explicitly);
  std::string reason = "runAsNonRoot != true";
  if (!who.empty()) {
    return Violation{reason, who + " must not set securityContext.runAsNonRoot=false"};
  }
  if (implicitly.empty()) return std::nullopt;
  return Violation{
      reason, "pod or " + containers(implicitly) + " must set securityContext.runAsNonRoot=true"};
}

std::optional<Violation> run_as_non_root_35(const PodParts& pod) {
  if (in_user_namespace(pod.spec)) return std::nullopt;
  return run_as_non_root(pod);
}

std::optional<Violation> run_as_user_23(const PodParts& pod) {
  core_v1::PodSecurityContext own = pod.spec.security_context();
  Names bad;
  for_each_container(pod.spec, [&](const auto& container) {
    core_v1::SecurityContext context = container.security_context();
    if (context.has_run_as_user() && context.run_as_user() == 0) bad.emplace_back(container.name());
  });
  std::string who = setters(own.has_run_as_user() && own.run_as_user() == 0, bad);
  if (who.empty()) return std::nullopt;
  return Violation{"runAsUser=0", who + " must not set runAsUser=0"};
}

std::optional<Violation> run_as_user_35(const PodParts& pod) {
  if (in_user_namespace(pod.spec)) return std::nullopt;
  return run_as_user_23(pod);
}

}  // namespace tiphys::apiserver::pod_security
