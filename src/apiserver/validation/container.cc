#include "apiserver/validation/container.h"

#include "apiserver/validation/checks.h"
#include "apiserver/validation/container_parts.h"
#include "apiserver/validation/resources.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kPullPolicies[] = {"Always", "IfNotPresent", "Never"};
constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view kMessagePolicies[] = {"File", "FallbackToLogsOnError"};
constexpr std::string_view kResizeResources[] = {"cpu", "memory"};
constexpr std::string_view kResizePolicies[] = {"NotRequired", "RestartContainer"};
constexpr std::string_view kRestartPolicies[] = {"Always", "Never", "OnFailure"};
constexpr std::string_view kRestartActions[] = {"Restart"};
constexpr std::string_view kExitCodeOperators[] = {"In", "NotIn"};
constexpr int kMaxRestartRules = 20;
constexpr int kMaxExitCodes = 255;

constexpr std::string_view kEphemeralFields[] = {"name",
                                                 "image",
                                                 "command",
                                                 "args",
                                                 "workingDir",
                                                 "envFrom",
                                                 "env",
                                                 "volumeMounts",
                                                 "volumeDevices",
                                                 "terminationMessagePath",
                                                 "imagePullPolicy",
                                                 "terminationMessagePolicy",
                                                 "securityContext",
                                                 "stdin",
                                                 "stdinOnce",
                                                 "tty"};

void validate_ports(const ListView<core_v1::ContainerPort>& ports, const FieldPath& path,
                    FieldErrors& errors) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    core_v1::ContainerPort port = ports[i];
    FieldPath at = path.index(i);
    if (!port.name().empty()) {
      Messages messages = check_port_name(port.name());
      errors.invalid_all(at.child("name"), port.name(), messages);
      if (messages.empty() && !names.insert(port.name()).second) {
        errors.duplicate(at.child("name"), port.name());
      }
    }
    if (port.container_port() == 0) {
      errors.required(at.child("containerPort"));
    } else {
      check_number(check_port_number(port.container_port()), port.container_port(),
                   at.child("containerPort"), errors);
    }
    if (port.host_port() != 0) {
      check_number(check_port_number(port.host_port()), port.host_port(), at.child("hostPort"),
                   errors);
    }
    check_choice(port.protocol(), kProtocols, at.child("protocol"), errors);
  }
}

// Each host port of a protocol and address once.
void validate_host_ports(core_v1::Container container, std::set<std::string>& taken,
                         const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < container.ports().size(); ++i) {
    core_v1::ContainerPort port = container.ports()[i];
    if (port.host_port() == 0) continue;
    std::string key = std::string(port.protocol()) + "/" + std::string(port.host_ip()) + "/" +
                      std::to_string(port.host_port());
    if (!taken.insert(key).second) {
      errors.duplicate(path.child("ports").index(i).child("hostPort"), key);
    }
  }
}

void validate_resize_policy(core_v1::Container container, std::string_view restart_policy,
                            const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> seen;
  for (size_t i = 0; i < container.resize_policy().size(); ++i) {
    core_v1::ContainerResizePolicy policy = container.resize_policy()[i];
    if (!seen.insert(policy.resource_name()).second) {
      errors.duplicate(path.index(i), policy.resource_name());
    }
    check_choice(policy.resource_name(), kResizeResources, path, errors);
    check_choice(policy.restart_policy(), kResizePolicies, path, errors);
    if (restart_policy == "Never" && policy.restart_policy() != "NotRequired") {
      errors.invalid(path, policy.restart_policy(),
                     "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
  }
}

void validate_restart_rule(core_v1::ContainerRestartRule rule, const FieldPath& path,
                           FieldErrors& errors) {
  check_supported(rule.action(), kRestartActions, path.child("action"), errors);
  FieldPath codes = path.child("exitCodes");
  if (!rule.has_exit_codes()) {
    errors.required(codes, "must be specified");
    return;
  }
  check_supported(rule.exit_codes().operator_(), kExitCodeOperators, codes.child("operator"),
                  errors);
  if (rule.exit_codes().values().size() > kMaxExitCodes) {
    errors.too_long(codes.child("values"), kMaxExitCodes);
  }
}

void validate_restart_policy(core_v1::Container container, const FieldPath& path,
                             FieldErrors& errors) {
  FieldPath policy = path.child("restartPolicy");
  auto rules = container.restart_policy_rules();
  if (!container.has_restart_policy()) {
    if (rules.empty()) return;
    errors.required(policy, "must specify restartPolicy when restart rules are used");
  } else {
    check_supported(container.restart_policy(), kRestartPolicies, policy, errors);
  }
  FieldPath at = path.child("restartPolicyRules");
  if (rules.size() > kMaxRestartRules) errors.too_long(at, kMaxRestartRules);
  for (size_t i = 0; i < rules.size(); ++i) validate_restart_rule(rules[i], at.index(i), errors);
}

void validate_common(core_v1::Container container, const ContainerScope& scope,
                     const FieldPath& path, FieldErrors& errors) {
  if (container.name().empty()) {
    errors.required(path.child("name"));
  } else {
    errors.invalid_all(path.child("name"), container.name(), check_dns1123_label(container.name()));
  }
  // A template may get its image later, from an admission plugin.
  if (container.image().empty()) errors.required(path.child("image"));
  check_choice(container.termination_message_policy(), kMessagePolicies,
               path.child("terminationMessagePolicy"), errors);
  validate_ports(container.ports(), path.child("ports"), errors);
  validate_environment(container, path, errors);
  validate_mounts(container, scope.volumes, path, errors);
  check_choice(container.image_pull_policy(), kPullPolicies, path.child("imagePullPolicy"), errors);
  ResourceRules rules{.claims = &scope.claims, .huge_pages = scope.pod.allow.huge_pages};
  validate_resources(container.resources(), rules, path.child("resources"), errors);
  validate_resize_policy(container, scope.pod.spec.restart_policy(), path.child("resizePolicy"),
                         errors);
  if (container.has_security_context()) {
    validate_container_security(container.security_context(), scope.pod.host_users(),
                                path.child("securityContext"), errors);
  }
}

void validate_regular(const ContainerScope& scope, const FieldPath& path, FieldErrors& errors) {
  auto containers = scope.pod.spec.containers();
  if (containers.empty()) {
    errors.required(path);
    return;
  }
  std::set<std::string_view> names;
  for (size_t i = 0; i < containers.size(); ++i) {
    FieldPath at = path.index(i);
    validate_common(containers[i], scope, at, errors);
    if (!names.insert(containers[i].name()).second) {
      errors.duplicate(at.child("name"), containers[i].name());
    }
    validate_handlers(containers[i], scope.pod, at, errors);
    validate_restart_policy(containers[i], at, errors);
  }
  std::set<std::string> host_ports;
  for (size_t i = 0; i < containers.size(); ++i) {
    validate_host_ports(containers[i], host_ports, path.index(i), errors);
  }
}

void validate_init_policy(core_v1::Container container, const FieldPath& path,
                          FieldErrors& errors) {
  if (!container.has_restart_policy()) return;
  if (container.restart_policy() != "Always") {
    validate_restart_policy(container, path, errors);
  } else if (!container.restart_policy_rules().empty()) {
    errors.forbidden(path.child("restartPolicyRules"),
                     "restartPolicyRules are not allowed for init containers with restart policy "
                     "Always");
  }
}

void forbid_handlers(core_v1::Container container, const FieldPath& path, FieldErrors& errors) {
  constexpr std::string_view kWhy =
      "may not be set for init containers without restartPolicy=Always";
  if (container.has_lifecycle()) errors.forbidden(path.child("lifecycle"), kWhy);
  if (container.has_liveness_probe()) errors.forbidden(path.child("livenessProbe"), kWhy);
  if (container.has_readiness_probe()) errors.forbidden(path.child("readinessProbe"), kWhy);
  if (container.has_startup_probe()) errors.forbidden(path.child("startupProbe"), kWhy);
}

void validate_init(const ContainerScope& scope, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> names;
  for (core_v1::Container container : scope.pod.spec.containers()) names.insert(container.name());
  auto containers = scope.pod.spec.init_containers();
  for (size_t i = 0; i < containers.size(); ++i) {
    core_v1::Container container = containers[i];
    FieldPath at = path.index(i);
    validate_common(container, scope, at, errors);
    validate_init_policy(container, at, errors);
    bool fresh = names.insert(container.name()).second;
    if (!fresh && !container.name().empty()) errors.duplicate(at.child("name"), container.name());
    // Upstream counts each init container as the first of its own list.
    std::set<std::string> host_ports;
    validate_host_ports(container, host_ports, path.index(0), errors);
    if (container.restart_policy() == "Always") {
      validate_handlers(container, scope.pod, at, errors);
    } else {
      forbid_handlers(container, at, errors);
    }
  }
}

void check_image_padding(core_v1::Container container, const FieldPath& path, FieldErrors& errors) {
  if (trim(container.image()).size() == container.image().size()) return;
  errors.invalid(path.child("image"), container.image(),
                 "must not have leading or trailing whitespace");
}

void validate_ephemeral_mounts(core_v1::Container container, const FieldPath& path,
                               FieldErrors& errors) {
  constexpr std::string_view kWhy = "cannot be set for an Ephemeral Container";
  for (size_t i = 0; i < container.volume_mounts().size(); ++i) {
    FieldPath at = path.child("volumeMounts").index(i);
    core_v1::VolumeMount mount = container.volume_mounts()[i];
    if (!mount.sub_path().empty()) errors.forbidden(at.child("subPath"), kWhy);
    if (!mount.sub_path_expr().empty()) errors.forbidden(at.child("subPathExpr"), kWhy);
  }
}

void validate_ephemeral(const ContainerScope& scope, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> others;
  for (core_v1::Container each : scope.pod.spec.containers()) others.insert(each.name());
  for (core_v1::Container each : scope.pod.spec.init_containers()) others.insert(each.name());
  std::set<std::string_view> names = others;
  auto containers = scope.pod.spec.ephemeral_containers();
  for (size_t i = 0; i < containers.size(); ++i) {
    core_v1::EphemeralContainer ephemeral = containers[i];
    core_v1::Container container(ephemeral.ephemeral_container_common().node());
    FieldPath at = path.index(i);
    validate_common(container, scope, at, errors);
    check_image_padding(container, at, errors);
    if (!names.insert(container.name()).second) {
      errors.duplicate(at.child("name"), container.name());
    }
    std::string_view target = ephemeral.target_container_name();
    if (!target.empty() && !others.contains(target)) {
      errors.not_found(at.child("targetContainerName"), target);
    }
    check_only_fields(core_v1::Container::message_type(), container.node(), kEphemeralFields,
                      "cannot be set for an Ephemeral Container", at, errors);
    validate_ephemeral_mounts(container, at, errors);
  }
}

}  // namespace

void validate_containers(const ContainerScope& scope, const FieldPath& path, FieldErrors& errors) {
  validate_regular(scope, path.child("containers"), errors);
  validate_init(scope, path.child("initContainers"), errors);
  validate_ephemeral(scope, path.child("ephemeralContainers"), errors);
}

void validate_image_padding(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < spec.containers().size(); ++i) {
    check_image_padding(spec.containers()[i], path.child("containers").index(i), errors);
  }
  for (size_t i = 0; i < spec.init_containers().size(); ++i) {
    check_image_padding(spec.init_containers()[i], path.child("initContainers").index(i), errors);
  }
}

}  // namespace tiphys::apiserver
