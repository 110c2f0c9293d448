// Annotations of pods that once stood for fields, and those that still mean something.
#include "apiserver/validation/affinity.h"
#include "apiserver/validation/checks.h"
#include "apiserver/validation/pod.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kMirrorPod = "kubernetes.io/config.mirror";
constexpr std::string_view kDeletionCost = "controller.kubernetes.io/pod-deletion-cost";
constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompContainer = "container.seccomp.security.alpha.kubernetes.io/";
constexpr std::string_view kAppArmor = "container.apparmor.security.beta.kubernetes.io/";
constexpr std::string_view kLocalhost = "localhost/";

void validate_seccomp_text(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  if (text == "runtime/default" || text == "docker/default" || text == "unconfined") return;
  if (text.starts_with(kLocalhost)) {
    check_relative_path(text.substr(kLocalhost.size()), path, errors);
  } else {
    errors.invalid(path, text, "must be a valid seccomp profile");
  }
}

bool has_container(core_v1::PodSpec spec, std::string_view name) {
  bool found = false;
  for_each_container(spec, FieldPath(), [&](core_v1::Container container, const FieldPath&) {
    found |= container.name() == name;
  });
  return found;
}

void validate_app_armor_text(std::string_view key, std::string_view text, core_v1::PodSpec spec,
                             const FieldPath& path, FieldErrors& errors) {
  std::string_view container = key.substr(kAppArmor.size());
  if (!has_container(spec, container)) {
    errors.invalid(path.key(key), container, "container not found");
  }
  bool known = text.empty() || text == "runtime/default" || text == "unconfined" ||
               text.starts_with(kLocalhost);
  if (!known) {
    errors.invalid(path.key(key), text, "invalid AppArmor profile name: " + go_quote(text));
  }
}

// `noun` is seccomp or apparmor, which word and spell the same.
template <class ProfileView>
void check_profile(std::string_view annotation, ProfileView profile, std::string_view noun,
                   bool docker, const FieldPath& path, FieldErrors& errors) {
  std::string differs = std::string(noun) + " type in annotation and field must match";
  bool same = true;
  if (profile.type() == "Unconfined") same = annotation == "unconfined";
  if (profile.type() == "RuntimeDefault") {
    same = annotation == "runtime/default" || (docker && annotation == "docker/default");
  }
  if (profile.type() == "Localhost") {
    same = annotation.starts_with(kLocalhost);
    if (same && (!profile.has_localhost_profile() ||
                 annotation.substr(kLocalhost.size()) != profile.localhost_profile())) {
      errors.forbidden(path.child("localhostProfile"),
                       std::string(noun) + " profile in annotation and field must match");
    }
  }
  if (!same) errors.forbidden(path.child("type"), differs);
}

}  // namespace

bool is_deletion_cost(std::string_view text) {
  bool digit =
      !text.empty() && (text[0] == '-' || text == "0" || (text[0] >= '1' && text[0] <= '9'));
  std::optional<int64_t> cost = digit ? parse_int(text) : std::nullopt;
  return cost && *cost >= INT32_MIN && *cost <= INT32_MAX;
}

void validate_pod_annotations(MapView<std::string_view> annotations, core_v1::PodSpec spec,
                              bool any_deletion_cost, const FieldPath& path, FieldErrors& errors) {
  if (annotations.contains(kMirrorPod) && spec.node_name().empty()) {
    errors.invalid(path.key(kMirrorPod), annotations.find(kMirrorPod),
                   "must set spec.nodeName if mirror pod annotation is set");
  }
  if (annotations.contains(kDeletionCost) && !any_deletion_cost &&
      !is_deletion_cost(annotations.find(kDeletionCost))) {
    errors.invalid(path.key(kDeletionCost), annotations.find(kDeletionCost),
                   "must be a 32bit integer");
  }
  for (auto [key, value] : annotations) {
    if (key == kSeccompPod || key.starts_with(kSeccompContainer)) {
      validate_seccomp_text(value, path.child(key), errors);
    }
    if (key.starts_with(kAppArmor)) validate_app_armor_text(key, value, spec, path, errors);
  }
}

void validate_pod_annotation_updates(core_v1::Pod pod, core_v1::Pod old, const FieldPath& path,
                                     FieldErrors& errors) {
  MapView<std::string_view> now = pod.metadata().annotations();
  MapView<std::string_view> before = old.metadata().annotations();
  auto forbid = [&](std::string_view key, std::string_view what) {
    if (key.starts_with(kAppArmor)) {
      errors.forbidden(path.key(key), "may not " + std::string(what) + " AppArmor annotations");
    }
    if (key == kMirrorPod) {
      errors.forbidden(path.key(key), "may not " + std::string(what) + " mirror pod annotation");
    }
  };
  for (auto [key, value] : before) {
    if (!now.contains(key) || now.find(key) != value) forbid(key, "remove or update");
  }
  for (auto [key, value] : now) {
    if (!before.contains(key)) forbid(key, "add");
  }
  PodLeniency allow = pod_leniency(old.spec(), before);
  validate_pod_annotations(now, pod.spec(), allow.deletion_cost, path, errors);
}

void validate_profile_annotations(MapView<std::string_view> annotations, core_v1::PodSpec spec,
                                  const FieldPath& path, FieldErrors& errors) {
  core_v1::PodSecurityContext pod = spec.security_context();
  if (pod.has_seccomp_profile() && annotations.contains(kSeccompPod)) {
    check_profile(annotations.find(kSeccompPod), pod.seccomp_profile(), "seccomp", true,
                  path.child("securityContext").child("seccompProfile"), errors);
  }
  bool windows = spec.os().name() == "windows";
  for_each_container(spec, path, [&](core_v1::Container container, const FieldPath& at) {
    core_v1::SecurityContext context = container.security_context();
    FieldPath security = at.child("securityContext");
    std::string seccomp = std::string(kSeccompContainer) + std::string(container.name());
    if (context.has_seccomp_profile() && annotations.contains(seccomp)) {
      check_profile(annotations.find(seccomp), context.seccomp_profile(), "seccomp", true,
                    security.child("seccompProfile"), errors);
    }
    std::string app_armor = std::string(kAppArmor) + std::string(container.name());
    if (windows || !annotations.contains(app_armor)) return;
    if (!context.has_app_armor_profile() && !pod.has_app_armor_profile()) return;
    core_v1::AppArmorProfile profile =
        context.has_app_armor_profile() ? context.app_armor_profile() : pod.app_armor_profile();
    check_profile(annotations.find(app_armor), profile, "apparmor", false,
                  security.child("appArmorProfile"), errors);
  });
}

}  // namespace tiphys::apiserver
