// Pods and templates of pods.
#include <set>

#include "apiserver/validation/names.h"
#include "apiserver/validation/pod_scope.h"
#include "apiserver/warnings/warnings.h"
#include "base/strings.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

using core_v1::Container;
using core_v1::PodSpec;

constexpr std::string_view kNoLabelSelector = "a null labelSelector results in matching no pod";
constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompContainer = "container.seccomp.security.alpha.kubernetes.io/";
constexpr std::string_view kAppArmorContainer = "container.apparmor.security.beta.kubernetes.io/";
constexpr std::string_view kUseSeccompField =
    R"(non-functional in v1.27+; use the "seccompProfile" field instead)";

struct OldAnnotation {
  std::string_view key;
  std::string_view text;
};

constexpr OldAnnotation kOldAnnotations[] = {
    {"scheduler.alpha.kubernetes.io/critical-pod",
     R"(non-functional in v1.16+; use the "priorityClassName" field instead)"},
    {"security.alpha.kubernetes.io/sysctls",
     R"(non-functional in v1.11+; use the "sysctls" field instead)"},
    {"security.alpha.kubernetes.io/unsafe-sysctls",
     R"(non-functional in v1.11+; use the "sysctls" field instead)"},
};

constexpr OldAnnotation kOldNodeLabels[] = {
    {"beta.kubernetes.io/arch", R"(deprecated since v1.14; use "kubernetes.io/arch" instead)"},
    {"beta.kubernetes.io/os", R"(deprecated since v1.14; use "kubernetes.io/os" instead)"},
    {"failure-domain.beta.kubernetes.io/region",
     R"(deprecated since v1.17; use "topology.kubernetes.io/region" instead)"},
    {"failure-domain.beta.kubernetes.io/zone",
     R"(deprecated since v1.17; use "topology.kubernetes.io/zone" instead)"},
    {"beta.kubernetes.io/instance-type",
     R"(deprecated since v1.17; use "node.kubernetes.io/instance-type" instead)"},
    {"app.kubernetes.io/created-by", "deprecated since v1.9"},
    {"scheduler.alpha.kubernetes.io/preferAvoidPods",
     "deprecated since v1.22; use Taints and Tolerations instead"},
    {"node-role.kubernetes.io/master", R"(use "node-role.kubernetes.io/control-plane" instead)"},
};

void warn_of_node_selection(PodSpec spec, const FieldPath& path, Warnings& warnings) {
  for (auto entry : spec.node_selector()) {
    std::string_view text = deprecated_node_label(entry.key);
    if (!text.empty()) warn(warnings, path.child("nodeSelector").key(entry.key), text);
  }
  core_v1::NodeAffinity affinity = spec.affinity().node_affinity();
  FieldPath at = path.child("affinity").child("nodeAffinity");
  FieldPath required =
      at.child("requiredDuringSchedulingIgnoredDuringExecution").child("nodeSelectorTerms");
  size_t i = 0;
  for (auto term :
       affinity.required_during_scheduling_ignored_during_execution().node_selector_terms()) {
    warn_of_node_term(term, false, required.index(i++), warnings);
  }
  FieldPath preferred = at.child("preferredDuringSchedulingIgnoredDuringExecution");
  i = 0;
  for (auto term : affinity.preferred_during_scheduling_ignored_during_execution()) {
    warn_of_node_term(term.preference(), true, preferred.index(i++).child("preference"), warnings);
  }
}

void warn_of_spreading(PodSpec spec, const FieldPath& path, Warnings& warnings) {
  size_t i = 0;
  for (auto constraint : spec.topology_spread_constraints()) {
    FieldPath at = path.child("topologySpreadConstraints").index(i++);
    std::string_view text = deprecated_node_label(constraint.topology_key());
    if (!text.empty()) {
      warn(warnings, at.child("topologyKey"),
           std::string(constraint.topology_key()) + " is " + std::string(text));
    }
    if (!constraint.has_label_selector())
      warn(warnings, at.child("labelSelector"), kNoLabelSelector);
  }
}

template <class Names>
void warn_of_repeated(Names items, auto value_of, const FieldPath& path, std::string_view field,
                      Warnings& warnings) {
  std::set<std::string_view> seen;
  size_t i = 0;
  for (auto item : items) {
    std::string_view value = value_of(item);
    FieldPath at = path.index(i++).child(field);
    if (!seen.insert(value).second) {
      warn(warnings, at, "duplicate " + std::string(field) + " " + go_quote(value));
    }
  }
}

void warn_of_lists(PodSpec spec, const FieldPath& path, Warnings& warnings) {
  warn_of_repeated(
      spec.host_aliases(), [](core_v1::HostAlias alias) { return alias.ip(); },
      path.child("hostAliases"), "ip", warnings);
  FieldPath secrets = path.child("imagePullSecrets");
  warn_of_repeated(
      spec.image_pull_secrets(), [](core_v1::LocalObjectReference r) { return r.name(); }, secrets,
      "name", warnings);
  size_t i = 0;
  for (auto secret : spec.image_pull_secrets()) {
    FieldPath at = secrets.index(i++).child("name");
    if (secret.name().empty()) warn(warnings, at, "invalid empty name \"\"");
  }
}

void warn_of_fractions(const MapView<std::string_view>& amounts, const FieldPath& path,
                       std::string_view name, Warnings& warnings) {
  if (amounts.contains(name)) warn_of_fraction(amounts.find(name), path.key(name), warnings);
}

// A later definition that does not use the earlier one hides it.
bool hides(core_v1::EnvVar variable) {
  std::string reference = "$(" + std::string(variable.name()) + ")";
  bool used = variable.value().find(reference) != std::string_view::npos;
  return variable.has_value_from() || variable.value() == reference || !used;
}

void warn_of_environment(Container container, const FieldPath& path, Warnings& warnings) {
  std::set<std::string_view> seen;
  size_t i = 0;
  for (core_v1::EnvVar variable : container.env()) {
    FieldPath at = path.child("env").index(i++);
    if (seen.insert(variable.name()).second || !hides(variable)) continue;
    warn(warnings, at,
         "hides previous definition of " + go_quote(variable.name()) +
             ", which may be dropped when using apply");
  }
}

bool same_profile(core_v1::AppArmorProfile profile, std::string_view annotation) {
  if (annotation == "unconfined") return profile.type() == "Unconfined";
  if (annotation == "runtime/default") return profile.type() == "RuntimeDefault";
  constexpr std::string_view kLocal = "localhost/";
  return annotation.starts_with(kLocal) && annotation.size() > kLocal.size() &&
         profile.type() == "Localhost" &&
         profile.localhost_profile() == annotation.substr(kLocal.size());
}

struct PodAnnotations {
  MapView<std::string_view> values;
  FieldPath path;
  bool of_template = false;
};

void warn_of_container_annotations(PodSpec spec, Container container,
                                   const PodAnnotations& annotations, Warnings& warnings) {
  std::string key = std::string(kSeccompContainer) + std::string(container.name());
  if (!container.security_context().has_seccomp_profile() && annotations.values.contains(key)) {
    warn(warnings, annotations.path.key(key), kUseSeccompField);
  }
  key = std::string(kAppArmorContainer) + std::string(container.name());
  bool covered = container.security_context().has_app_armor_profile();
  if (!annotations.of_template || covered || !annotations.values.contains(key)) return;
  auto pod = spec.security_context();
  bool same = pod.has_app_armor_profile() &&
              same_profile(pod.app_armor_profile(), annotations.values.find(key));
  if (same) return;
  warn(warnings, annotations.path.key(key),
       R"(deprecated since v1.30; use the "appArmorProfile" field instead)");
}

void warn_of_containers(PodSpec spec, const PodAnnotations& annotations, const FieldPath& path,
                        Warnings& warnings) {
  for_each_container(spec, path, [&](Container container, const FieldPath& at) {
    warn_of_container_annotations(spec, container, annotations, warnings);
    FieldPath resources = at.child("resources");
    for (std::string_view name : {"memory", "ephemeral-storage"}) {
      warn_of_fractions(container.resources().limits(), resources.child("limits"), name, warnings);
      warn_of_fractions(container.resources().requests(), resources.child("requests"), name,
                        warnings);
    }
    warn_of_environment(container, at, warnings);
  });
}

template <class Affinity>
void warn_of_pod_affinity(Affinity affinity, const FieldPath& path, Warnings& warnings) {
  FieldPath required = path.child("requiredDuringSchedulingIgnoredDuringExecution");
  size_t i = 0;
  for (auto term : affinity.required_during_scheduling_ignored_during_execution()) {
    FieldPath at = required.index(i++).child("labelSelector");
    if (!term.has_label_selector()) warn(warnings, at, kNoLabelSelector);
  }
  FieldPath preferred = path.child("preferredDuringSchedulingIgnoredDuringExecution");
  i = 0;
  for (auto term : affinity.preferred_during_scheduling_ignored_during_execution()) {
    FieldPath at = preferred.index(i++).child("podAffinityTerm").child("labelSelector");
    if (!term.pod_affinity_term().has_label_selector()) warn(warnings, at, kNoLabelSelector);
  }
}

void warn_of_addresses(PodSpec spec, const FieldPath& path, Warnings& warnings) {
  size_t i = 0;
  for (std::string_view server : spec.dns_config().nameservers()) {
    warn_of_ip(server, path.child("dnsConfig").child("nameservers").index(i++), warnings);
  }
  i = 0;
  for (core_v1::HostAlias alias : spec.host_aliases()) {
    warn_of_ip(alias.ip(), path.child("hostAliases").index(i++).child("ip"), warnings);
  }
}

FieldPath below(const FieldPath* path, std::string_view name) {
  return path ? path->child(name) : FieldPath(name);
}

void warn_of_annotations(PodSpec spec, const PodAnnotations& annotations, Warnings& warnings) {
  for (const OldAnnotation& old : kOldAnnotations) {
    if (annotations.values.contains(old.key)) {
      warn(warnings, annotations.path.key(old.key), old.text);
    }
  }
  bool covered = spec.security_context().has_seccomp_profile();
  if (!covered && annotations.values.contains(kSeccompPod)) {
    warn(warnings, annotations.path.key(kSeccompPod), kUseSeccompField);
  }
}

}  // namespace

std::string_view deprecated_node_label(std::string_view key) {
  for (const OldAnnotation& old : kOldNodeLabels) {
    if (old.key == key) return old.text;
  }
  return {};
}

void warn_of_node_term(core_v1::NodeSelectorTerm term, bool check_values, const FieldPath& path,
                       Warnings& warnings) {
  size_t i = 0;
  for (auto expression : term.match_expressions()) {
    FieldPath at = path.child("matchExpressions").index(i++);
    std::string_view text = deprecated_node_label(expression.key());
    if (!text.empty()) {
      warn(warnings, at.child("key"), std::string(expression.key()) + " is " + std::string(text));
    }
    size_t position = 0;
    for (std::string_view value : expression.values()) {
      FieldPath of_value = at.child("values").index(position++);
      if (!check_values) break;
      for (const std::string& problem : check_label_value(value)) {
        warn(warnings, of_value, std::string(value) + " is invalid, " + problem);
      }
    }
  }
}

void warn_of_fraction(std::string_view amount, const FieldPath& path, Warnings& warnings) {
  Quantity quantity = Quantity::of(amount);
  if (quantity.milli_value() % 1000 == 0) return;
  warn(warnings, path,
       "fractional byte value " + go_quote(quantity.text()) + " is invalid, must be an integer");
}

void warn_of_claim_spec(core_v1::PersistentVolumeClaimSpec spec, const FieldPath& path,
                        Warnings& warnings) {
  FieldPath resources = path.child("resources");
  warn_of_fractions(spec.resources().requests(), resources.child("requests"), "storage", warnings);
  warn_of_fractions(spec.resources().limits(), resources.child("limits"), "storage", warnings);
}

void warn_of_pod(PodSpec spec, meta_v1::ObjectMeta meta, const FieldPath* path,
                 Warnings& warnings) {
  FieldPath at = below(path, "spec");
  PodAnnotations annotations{meta.annotations(), below(path, "metadata").child("annotations"),
                             path != nullptr};
  warn_of_node_selection(spec, at, warnings);
  warn_of_spreading(spec, at, warnings);
  warn_of_annotations(spec, annotations, warnings);
  warn_of_volumes(spec, at, warnings);
  warn_of_lists(spec, at, warnings);
  for (std::string_view name : {"memory", "ephemeral-storage"}) {
    warn_of_fractions(spec.overhead(), at.child("overhead"), name, warnings);
  }
  warn_of_containers(spec, annotations, at, warnings);
  warn_of_container_ports(spec, at, warnings);
  if (spec.termination_grace_period_seconds() < 0) {
    warn(warnings, at.child("terminationGracePeriodSeconds"),
         "must be >= 0; negative values are invalid and will be treated as 1");
  }
  FieldPath affinity = at.child("affinity");
  warn_of_pod_affinity(spec.affinity().pod_affinity(), affinity.child("podAffinity"), warnings);
  warn_of_pod_affinity(spec.affinity().pod_anti_affinity(), affinity.child("podAntiAffinity"),
                       warnings);
  warn_of_addresses(spec, at, warnings);
}

}  // namespace tiphys::apiserver
