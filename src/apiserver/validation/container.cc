#include "apiserver/validation/container.h"

#include "apiserver/validation/names.h"
#include "base/strings.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kPullPolicies[] = {"Always", "IfNotPresent", "Never"};
constexpr std::string_view kProtocols[] = {"TCP", "UDP", "SCTP"};
constexpr std::string_view kMessagePolicies[] = {"FallbackToLogsOnError", "File"};
constexpr std::string_view kSchemes[] = {"HTTP", "HTTPS"};

void check(const Messages& messages, std::string_view value, const FieldPath& path,
           FieldErrors& errors) {
  for (const std::string& message : messages) errors.invalid(path, value, message);
}

void validate_image(std::string_view image, const FieldPath& path, FieldErrors& errors) {
  if (image.empty()) {
    errors.required(path);
  } else if (trim(image) != image) {
    errors.invalid(path, image, "must not have leading or trailing whitespace");
  }
}

void validate_ports(const ListView<core_v1::ContainerPort>& ports, const FieldPath& path,
                    FieldErrors& errors) {
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    core_v1::ContainerPort port = ports[i];
    FieldPath at = path.index(i);
    if (!port.name().empty()) {
      Messages messages = check_port_name(port.name());
      check(messages, port.name(), at.child("name"), errors);
      if (messages.empty() && !names.insert(std::string(port.name())).second) {
        errors.duplicate(at.child("name"), port.name());
      }
    }
    if (port.container_port() == 0) {
      errors.required(at.child("containerPort"));
    } else {
      for (const std::string& message : check_port_number(port.container_port())) {
        errors.invalid(at.child("containerPort"), port.container_port(), message);
      }
    }
    if (port.host_port() != 0) {
      for (const std::string& message : check_port_number(port.host_port())) {
        errors.invalid(at.child("hostPort"), port.host_port(), message);
      }
    }
    if (port.protocol().empty()) {
      errors.required(at.child("protocol"));
    } else if (!std::ranges::count(kProtocols, port.protocol())) {
      errors.not_supported(at.child("protocol"), port.protocol(), kProtocols);
    }
  }
}

int sources_of(core_v1::EnvVarSource source) {
  return source.has_field_ref() + source.has_resource_field_ref() +
         source.has_config_map_key_ref() + source.has_secret_key_ref() + source.has_file_key_ref();
}

void validate_env_source(core_v1::EnvVar variable, const FieldPath& path, FieldErrors& errors) {
  if (!variable.has_value_from()) return;
  FieldPath at = path.child("valueFrom");
  core_v1::EnvVarSource source = variable.value_from();
  int count = sources_of(source);
  if (count == 0) {
    errors.invalid(at, "",
                   "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or "
                   "`secretKeyRef`");
  } else if (!variable.value().empty()) {
    errors.invalid(at, "", "may not be specified when `value` is not empty");
  } else if (count > 1) {
    errors.invalid(at, "", "may not have more than one field specified at a time");
  }
  if (source.has_config_map_key_ref()) {
    FieldPath ref = at.child("configMapKeyRef");
    if (source.config_map_key_ref().name().empty()) errors.required(ref.child("name"));
    if (source.config_map_key_ref().key().empty()) {
      errors.required(ref.child("key"));
    } else {
      check(check_config_map_key(source.config_map_key_ref().key()),
            source.config_map_key_ref().key(), ref.child("key"), errors);
    }
  }
  if (source.has_secret_key_ref()) {
    FieldPath ref = at.child("secretKeyRef");
    if (source.secret_key_ref().name().empty()) errors.required(ref.child("name"));
    if (source.secret_key_ref().key().empty()) {
      errors.required(ref.child("key"));
    } else {
      check(check_config_map_key(source.secret_key_ref().key()), source.secret_key_ref().key(),
            ref.child("key"), errors);
    }
  }
  if (source.has_field_ref() && source.field_ref().field_path().empty()) {
    errors.required(at.child("fieldRef").child("fieldPath"));
  }
}

void validate_environment(core_v1::Container container, const FieldPath& path,
                          FieldErrors& errors) {
  for (size_t i = 0; i < container.env().size(); ++i) {
    core_v1::EnvVar variable = container.env()[i];
    FieldPath at = path.child("env").index(i);
    if (variable.name().empty()) {
      errors.required(at.child("name"));
    } else {
      check(check_env_var_name(variable.name()), variable.name(), at.child("name"), errors);
    }
    validate_env_source(variable, at, errors);
  }
  for (size_t i = 0; i < container.env_from().size(); ++i) {
    core_v1::EnvFromSource source = container.env_from()[i];
    FieldPath at = path.child("envFrom").index(i);
    int count = source.has_config_map_ref() + source.has_secret_ref();
    if (count == 0) {
      errors.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (count > 1) {
      errors.invalid(at, "", "may not have more than one field specified at a time");
    }
  }
}

void validate_mounts(core_v1::Container container, const std::set<std::string_view>& volumes,
                     const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> paths;
  for (size_t i = 0; i < container.volume_mounts().size(); ++i) {
    core_v1::VolumeMount mount = container.volume_mounts()[i];
    FieldPath at = path.index(i);
    if (mount.name().empty()) {
      errors.required(at.child("name"));
    }
    if (!volumes.contains(mount.name())) errors.not_found(at.child("name"), mount.name());
    if (mount.mount_path().empty()) errors.required(at.child("mountPath"));
    if (!paths.insert(mount.mount_path()).second) {
      errors.invalid(at.child("mountPath"), mount.mount_path(), "must be unique");
    }
    for (std::string_view sub : {mount.sub_path(), mount.sub_path_expr()}) {
      FieldPath where = at.child(sub.data() == mount.sub_path().data() ? "subPath" : "subPathExpr");
      if (sub.starts_with("/")) errors.invalid(where, sub, "must be a relative path");
      for (std::string_view part : split(sub, '/')) {
        if (part == "..") {
          errors.invalid(where, sub, "must not contain '..'");
          break;
        }
      }
    }
  }
}

void validate_list(const MapView<std::string_view>& list, const FieldPath& path,
                   FieldErrors& errors) {
  for (auto [name, text] : list) {
    Result<Quantity> quantity = Quantity::parse(text);
    if (quantity && quantity->sign() < 0) {
      errors.invalid(path.key(name), text, "must be greater than or equal to 0");
    }
  }
}

void validate_resources(core_v1::ResourceRequirements resources, const FieldPath& path,
                        FieldErrors& errors) {
  validate_list(resources.limits(), path.child("limits"), errors);
  validate_list(resources.requests(), path.child("requests"), errors);
  for (auto [name, text] : resources.requests()) {
    if (!resources.limits().contains(name)) continue;
    Result<Quantity> request = Quantity::parse(text);
    Result<Quantity> limit = Quantity::parse(resources.limits().find(name));
    if (request && limit && request->compare(*limit) > 0) {
      errors.invalid(path.child("requests"), text,
                     "must be less than or equal to " + std::string(name) + " limit of " +
                         std::string(resources.limits().find(name)));
    }
  }
}

void validate_port_reference(const Value& port, const FieldPath& path, FieldErrors& errors) {
  if (port.type == ValueType::kString) {
    check(check_port_name(port.as_text()), port.as_text(), path, errors);
    return;
  }
  for (const std::string& message : check_port_number(port.as_int())) {
    errors.invalid(path, port.as_int(), message);
  }
}

template <class HandlerView>
int validate_handler(HandlerView handler, const FieldPath& path, FieldErrors& errors) {
  int count = 0;
  if (handler.has_exec()) {
    ++count;
    if (handler.exec().command().empty()) errors.required(path.child("exec").child("command"));
  }
  if (handler.has_http_get()) {
    if (++count > 1) {
      errors.forbidden(path.child("httpGet"), "may not specify more than 1 handler type");
    } else {
      FieldPath at = path.child("httpGet");
      if (handler.http_get().path().empty()) errors.required(at.child("path"));
      validate_port_reference(handler.http_get().port(), at.child("port"), errors);
      if (!std::ranges::count(kSchemes, handler.http_get().scheme())) {
        errors.not_supported(at.child("scheme"), handler.http_get().scheme(), kSchemes);
      }
    }
  }
  if (handler.has_tcp_socket()) {
    if (++count > 1) {
      errors.forbidden(path.child("tcpSocket"), "may not specify more than 1 handler type");
    } else {
      validate_port_reference(handler.tcp_socket().port(), path.child("tcpSocket").child("port"),
                              errors);
    }
  }
  return count;
}

void validate_non_negative(int64_t value, const FieldPath& path, FieldErrors& errors) {
  if (value < 0) errors.invalid(path, value, "must be greater than or equal to 0");
}

void validate_probe(core_v1::Probe probe, bool single_success, const FieldPath& path,
                    FieldErrors& errors) {
  int count = validate_handler(probe, path, errors) + probe.has_grpc();
  if (count == 0) errors.required(path, "must specify a handler type");
  validate_non_negative(probe.initial_delay_seconds(), path.child("initialDelaySeconds"), errors);
  validate_non_negative(probe.timeout_seconds(), path.child("timeoutSeconds"), errors);
  validate_non_negative(probe.period_seconds(), path.child("periodSeconds"), errors);
  validate_non_negative(probe.success_threshold(), path.child("successThreshold"), errors);
  validate_non_negative(probe.failure_threshold(), path.child("failureThreshold"), errors);
  if (single_success && probe.success_threshold() != 1) {
    errors.invalid(path.child("successThreshold"), probe.success_threshold(), "must be 1");
  }
}

void validate_lifecycle(core_v1::Container container, const FieldPath& path, FieldErrors& errors) {
  if (!container.has_lifecycle()) return;
  core_v1::Lifecycle lifecycle = container.lifecycle();
  FieldPath at = path.child("lifecycle");
  if (lifecycle.has_post_start()) {
    core_v1::LifecycleHandler hook = lifecycle.post_start();
    if (validate_handler(hook, at.child("postStart"), errors) + hook.has_sleep() == 0) {
      errors.required(at.child("postStart"), "must specify a handler type");
    }
  }
  if (lifecycle.has_pre_stop()) {
    core_v1::LifecycleHandler hook = lifecycle.pre_stop();
    if (validate_handler(hook, at.child("preStop"), errors) + hook.has_sleep() == 0) {
      errors.required(at.child("preStop"), "must specify a handler type");
    }
  }
}

void validate_container(core_v1::Container container, const std::set<std::string_view>& volumes,
                        const FieldPath& path, FieldErrors& errors) {
  validate_image(container.image(), path.child("image"), errors);
  if (container.termination_message_policy().empty()) {
    errors.required(path.child("terminationMessagePolicy"));
  } else if (!std::ranges::count(kMessagePolicies, container.termination_message_policy())) {
    errors.not_supported(path.child("terminationMessagePolicy"),
                         container.termination_message_policy(), kMessagePolicies);
  }
  validate_ports(container.ports(), path.child("ports"), errors);
  validate_environment(container, path, errors);
  validate_mounts(container, volumes, path.child("volumeMounts"), errors);
  if (container.image_pull_policy().empty()) {
    errors.required(path.child("imagePullPolicy"));
  } else if (!std::ranges::count(kPullPolicies, container.image_pull_policy())) {
    errors.not_supported(path.child("imagePullPolicy"), container.image_pull_policy(),
                         kPullPolicies);
  }
  validate_resources(container.resources(), path.child("resources"), errors);
  validate_lifecycle(container, path, errors);
  if (container.has_liveness_probe()) {
    validate_probe(container.liveness_probe(), true, path.child("livenessProbe"), errors);
  }
  if (container.has_readiness_probe()) {
    validate_probe(container.readiness_probe(), false, path.child("readinessProbe"), errors);
  }
  if (container.has_startup_probe()) {
    validate_probe(container.startup_probe(), true, path.child("startupProbe"), errors);
  }
}

void validate_container_name(core_v1::Container container, std::set<std::string_view>& names,
                             const FieldPath& path, FieldErrors& errors) {
  if (container.name().empty()) {
    errors.required(path.child("name"));
  } else {
    check(check_dns1123_label(container.name()), container.name(), path.child("name"), errors);
  }
  if (!names.insert(container.name()).second) {
    errors.duplicate(path.child("name"), container.name());
  }
}

}  // namespace

void validate_containers(core_v1::PodSpec spec, const std::set<std::string_view>& volumes,
                         const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> names;
  FieldPath containers = path.child("containers");
  if (spec.containers().empty()) errors.required(containers);
  for (size_t i = 0; i < spec.containers().size(); ++i) {
    validate_container_name(spec.containers()[i], names, containers.index(i), errors);
    validate_container(spec.containers()[i], volumes, containers.index(i), errors);
  }
  FieldPath init = path.child("initContainers");
  for (size_t i = 0; i < spec.init_containers().size(); ++i) {
    validate_container_name(spec.init_containers()[i], names, init.index(i), errors);
    validate_container(spec.init_containers()[i], volumes, init.index(i), errors);
  }
}

}  // namespace tiphys::apiserver
