#include "apiserver/validation/pod.h"

#include <set>

#include "apiserver/validation/container.h"
#include "apiserver/validation/names.h"
#include "apiserver/validation/selectors.h"
#include "apiserver/validation/volume.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kRestartPolicies[] = {"Always", "OnFailure", "Never"};
constexpr std::string_view kDnsPolicies[] = {"ClusterFirstWithHostNet", "ClusterFirst", "Default",
                                             "None"};
constexpr std::string_view kEffects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
constexpr std::string_view kTolerationOperators[] = {"Equal", "Exists"};

void check(const Messages& messages, std::string_view value, const FieldPath& path,
           FieldErrors& errors) {
  for (const std::string& message : messages) errors.invalid(path, value, message);
}

void validate_policies(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  if (spec.restart_policy().empty()) {
    errors.required(path.child("restartPolicy"));
  } else if (!std::ranges::count(kRestartPolicies, spec.restart_policy())) {
    errors.not_supported(path.child("restartPolicy"), spec.restart_policy(), kRestartPolicies);
  }
  if (spec.dns_policy().empty()) {
    errors.required(path.child("dnsPolicy"));
  } else if (!std::ranges::count(kDnsPolicies, spec.dns_policy())) {
    errors.not_supported(path.child("dnsPolicy"), spec.dns_policy(), kDnsPolicies);
  }
}

void validate_dns_config(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  FieldPath config = path.child("dnsConfig");
  if (spec.dns_policy() == "None") {
    if (!spec.has_dns_config()) {
      errors.required(config, "must provide `dnsConfig` when `dnsPolicy` is None");
      return;
    }
    if (spec.dns_config().nameservers().empty()) {
      errors.required(config.child("nameservers"),
                      "must provide at least one DNS nameserver when `dnsPolicy` is None");
      return;
    }
  }
  auto servers = spec.dns_config().nameservers();
  for (size_t i = 0; i < servers.size(); ++i) {
    check(check_ip(servers[i]), servers[i], config.child("nameservers").index(i), errors);
  }
}

void validate_toleration(core_v1::Toleration toleration, const FieldPath& path,
                         FieldErrors& errors) {
  if (!toleration.key().empty()) {
    check(check_qualified_name(toleration.key()), toleration.key(), path.child("key"), errors);
  }
  if (toleration.key().empty() && toleration.operator_() != "Exists") {
    errors.invalid(path.child("operator"), toleration.operator_(),
                   "operator must be Exists when `key` is empty, which means \"match all values "
                   "and all keys\"");
  }
  if (toleration.has_toleration_seconds() && toleration.effect() != "NoExecute") {
    errors.invalid(path.child("effect"), toleration.effect(),
                   "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  std::string_view op = toleration.operator_();
  if (op == "Exists" && !toleration.value().empty()) {
    errors.invalid(path.child("operator"), toleration.value(),
                   "value must be empty when `operator` is 'Exists'");
  } else if (op == "Equal" || op.empty()) {
    for (const std::string& message : check_label_value(toleration.value())) {
      errors.invalid(path.child("operator"), toleration.value(), message);
    }
  } else if (op != "Exists") {
    errors.not_supported(path.child("operator"), op, kTolerationOperators);
  }
  if (!toleration.effect().empty() && !std::ranges::count(kEffects, toleration.effect())) {
    errors.not_supported(path.child("effect"), toleration.effect(), kEffects);
  }
}

void validate_names(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  if (!spec.service_account_name().empty()) {
    check(check_dns1123_subdomain(spec.service_account_name()), spec.service_account_name(),
          path.child("serviceAccountName"), errors);
  }
  if (!spec.node_name().empty()) {
    check(check_dns1123_subdomain(spec.node_name()), spec.node_name(), path.child("nodeName"),
          errors);
  }
  if (!spec.hostname().empty()) {
    check(check_dns1123_label(spec.hostname()), spec.hostname(), path.child("hostname"), errors);
  }
  if (!spec.subdomain().empty()) {
    check(check_dns1123_label(spec.subdomain()), spec.subdomain(), path.child("subdomain"), errors);
  }
  if (!spec.priority_class_name().empty()) {
    check(check_dns1123_subdomain(spec.priority_class_name()), spec.priority_class_name(),
          path.child("priorityClassName"), errors);
  }
  if (!spec.runtime_class_name().empty()) {
    check(check_dns1123_subdomain(spec.runtime_class_name()), spec.runtime_class_name(),
          path.child("runtimeClassName"), errors);
  }
}

void validate_seconds(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  if (spec.has_active_deadline_seconds()) {
    int64_t seconds = spec.active_deadline_seconds();
    if (seconds < 1 || seconds > 2147483647) {
      errors.invalid(path.child("activeDeadlineSeconds"), seconds,
                     "must be between 1 and 2147483647, inclusive");
    }
  }
  if (spec.has_termination_grace_period_seconds() && spec.termination_grace_period_seconds() < 0) {
    errors.invalid(path.child("terminationGracePeriodSeconds"),
                   spec.termination_grace_period_seconds(), "must be greater than or equal to 0");
  }
}

void validate_host_aliases(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < spec.host_aliases().size(); ++i) {
    core_v1::HostAlias alias = spec.host_aliases()[i];
    FieldPath at = path.child("hostAliases").index(i);
    check(check_ip(alias.ip()), alias.ip(), at.child("ip"), errors);
    for (std::string_view name : alias.hostnames()) {
      check(check_dns1123_subdomain(name), name, at.child("hostnames"), errors);
    }
  }
}

bool same_except_mutable(core_v1::Pod pod, core_v1::Pod old) {
  Arena arena;
  Value now =
      arena.clone(Value::of_node(ValueType::kStruct, const_cast<Node*>(&pod.spec().node())));
  Value before =
      arena.clone(Value::of_node(ValueType::kStruct, const_cast<Node*>(&old.spec().node())));
  core_v1::PodSpecEdit edit(arena, *now.node);
  core_v1::PodSpecEdit base(arena, *before.node);
  for (auto* spec : {&edit, &base}) {
    spec->clear_active_deadline_seconds();
    spec->clear_tolerations();
    spec->clear_scheduling_gates();
    spec->clear_termination_grace_period_seconds();
    auto containers = spec->edit_containers();
    for (size_t i = 0; i < containers.size(); ++i) containers[i].clear_image();
    auto init_containers = spec->edit_init_containers();
    for (size_t i = 0; i < init_containers.size(); ++i) init_containers[i].clear_image();
  }
  return equal(now, before);
}

}  // namespace

void validate_pod_spec(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> volumes =
      validate_volumes(spec.volumes(), path.child("volumes"), errors);
  validate_containers(spec, volumes, path, errors);
  validate_policies(spec, path, errors);
  validate_labels(spec.node_selector(), path.child("nodeSelector"), errors);
  validate_dns_config(spec, path, errors);
  for (size_t i = 0; i < spec.tolerations().size(); ++i) {
    validate_toleration(spec.tolerations()[i], path.child("tolerations").index(i), errors);
  }
  validate_host_aliases(spec, path, errors);
  validate_names(spec, path, errors);
  validate_seconds(spec, path, errors);
}

void validate_pod_template(core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                           FieldErrors& errors) {
  validate_labels(pod_template.metadata().labels(), path.child("metadata").child("labels"), errors);
  validate_annotations(pod_template.metadata().annotations(), path.child("annotations"), errors);
  validate_pod_spec(pod_template.spec(), path.child("spec"), errors);
  if (!pod_template.spec().ephemeral_containers().empty()) {
    errors.forbidden(path.child("spec").child("ephemeralContainers"),
                     "ephemeral containers not allowed in pod template");
  }
}

void validate_pod_update(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors) {
  FieldPath spec("spec");
  if (pod.spec().containers().size() != old.spec().containers().size()) {
    errors.forbidden(spec.child("containers"), "pod updates may not add or remove containers");
    return;
  }
  if (pod.spec().init_containers().size() != old.spec().init_containers().size()) {
    errors.forbidden(spec.child("initContainers"), "pod updates may not add or remove containers");
    return;
  }
  for (size_t i = 0; i < pod.spec().containers().size(); ++i) {
    if (pod.spec().containers()[i].image().empty()) {
      errors.required(spec.child("containers").index(i).child("image"));
    }
  }
  if (!same_except_mutable(pod, old)) {
    errors.forbidden(spec,
                     "pod updates may not change fields other than `spec.containers[*].image`,"
                     "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
                     "`spec.tolerations` (only additions to existing tolerations),"
                     "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                     "previously negative)\n");
  }
}

}  // namespace tiphys::apiserver
