// AppArmor and seccomp profiles, as fields and as the annotations before them.
#include "apiserver/pod_security/checks.h"
#include "base/strings.h"

namespace tiphys::apiserver::pod_security {
namespace {

constexpr std::string_view kAppArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";
constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompPrefix = "container.seccomp.security.alpha.kubernetes.io/";

bool good_type(std::string_view type) { return type == "RuntimeDefault" || type == "Localhost"; }

bool good_app_armor_annotation(std::string_view value) {
  return value.empty() || value == "runtime/default" || value.starts_with("localhost/");
}

bool good_seccomp_annotation(std::string_view value) {
  return value == "runtime/default" || value == "docker/default" || value.starts_with("localhost/");
}

std::string annotation_text(std::string_view key, std::string_view value) {
  return std::string(key) + "=" + go_quote(value);
}

NameSet bad_app_armor_annotations(const PodParts& pod) {
  NameSet bad;
  for (const auto& entry : pod.metadata.annotations()) {
    if (entry.key.starts_with(kAppArmorPrefix) && !good_app_armor_annotation(entry.value)) {
      bad.insert(annotation_text(entry.key, entry.value));
    }
  }
  return bad;
}

// Who sets seccompProfile.type to what is not allowed; empty: nobody.
std::string bad_seccomp(const PodParts& pod) {
  NameSet types;
  core_v1::PodSecurityContext own = pod.spec.security_context();
  bool by_pod = own.has_seccomp_profile() && !good_type(own.seccomp_profile().type());
  if (by_pod) types.emplace(own.seccomp_profile().type());
  Names bad;
  for_each_container(pod.spec, [&](const auto& container) {
    core_v1::SecurityContext context = container.security_context();
    if (!context.has_seccomp_profile() || good_type(context.seccomp_profile().type())) return;
    bad.emplace_back(container.name());
    types.emplace(context.seccomp_profile().type());
  });
  std::string who = setters(by_pod, bad);
  if (who.empty()) return who;
  return who + " must not set securityContext.seccompProfile.type to " + quoted(types);
}

}  // namespace

std::optional<Violation> app_armor_profile(const PodParts& pod) {
  NameSet types;
  core_v1::PodSecurityContext own = pod.spec.security_context();
  bool by_pod = own.has_app_armor_profile() && !good_type(own.app_armor_profile().type());
  if (by_pod) types.emplace(own.app_armor_profile().type());
  Names bad;
  for_each_container(pod.spec, [&](const auto& container) {
    core_v1::SecurityContext context = container.security_context();
    if (!context.has_app_armor_profile() || good_type(context.app_armor_profile().type())) return;
    bad.emplace_back(container.name());
    types.emplace(context.app_armor_profile().type());
  });
  NameSet annotations = bad_app_armor_annotations(pod);
  std::string who = setters(by_pod, bad);
  if (!annotations.empty()) {
    if (!who.empty()) who += " and ";
    who += plural(annotations.size(), "annotation", "annotations");
  }
  if (who.empty()) return std::nullopt;
  Names values(types.begin(), types.end());
  values.insert(values.end(), annotations.begin(), annotations.end());
  return Violation{
      plural(values.size(), "forbidden AppArmor profile", "forbidden AppArmor profiles"),
      who + " must not set AppArmor profile type to " + quoted(values)};
}

std::optional<Violation> seccomp_annotations(const PodParts& pod) {
  NameSet bad;
  MapView<std::string_view> annotations = pod.metadata.annotations();
  auto look_at = [&](std::string_view key) {
    if (!annotations.contains(key) || good_seccomp_annotation(annotations.find(key))) return;
    bad.insert(annotation_text(key, annotations.find(key)));
  };
  look_at(kSeccompPod);
  for_each_container(pod.spec, [&](const auto& container) {
    look_at(std::string(kSeccompPrefix) + std::string(container.name()));
  });
  if (bad.empty()) return std::nullopt;
  return Violation{"seccompProfile",
                   plural(bad.size(), "forbidden annotation ", "forbidden annotations ") +
                       join(Names(bad.begin(), bad.end()), ", ")};
}

std::optional<Violation> seccomp_profile_19(const PodParts& pod) {
  std::string detail = bad_seccomp(pod);
  if (detail.empty()) return std::nullopt;
  return Violation{"seccompProfile", detail};
}

std::optional<Violation> required_seccomp_profile_19(const PodParts& pod) {
  if (auto bad = seccomp_profile_19(pod)) return bad;
  if (pod.spec.security_context().has_seccomp_profile()) return std::nullopt;
  Names missing;
  for_each_container(pod.spec, [&](const auto& container) {
    if (!container.security_context().has_seccomp_profile()) missing.emplace_back(container.name());
  });
  if (missing.empty()) return std::nullopt;
  return Violation{"seccompProfile", "pod or " + containers(missing) +
                                         " must set securityContext.seccompProfile.type to "
                                         "\"RuntimeDefault\" or \"Localhost\""};
}

std::optional<Violation> required_seccomp_profile_25(const PodParts& pod) {
  if (is_windows(pod.spec)) return std::nullopt;
  return required_seccomp_profile_19(pod);
}

}  // namespace tiphys::apiserver::pod_security
