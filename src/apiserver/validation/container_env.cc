// Environment variables of containers and where their values come from.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/container_parts.h"
#include "base/strings.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kEnvFields[] = {"metadata.name",
                                           "metadata.namespace",
                                           "metadata.uid",
                                           "spec.nodeName",
                                           "spec.serviceAccountName",
                                           "status.hostIP",
                                           "status.hostIPs",
                                           "status.podIP",
                                           "status.podIPs"};
constexpr std::string_view kPodFields[] = {
    "metadata.annotations", "metadata.labels", "metadata.name",      "metadata.namespace",
    "metadata.uid",         "spec.nodeName",   "spec.restartPolicy", "spec.serviceAccountName",
    "spec.schedulerName",   "status.phase",    "status.hostIP",      "status.hostIPs",
    "status.podIP",         "status.podIPs",   "spec.host"};
constexpr std::string_view kResourceFields[] = {
    "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory"};
constexpr std::string_view kByteDivisors[] = {"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                              "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
constexpr std::string_view kCpuDivisors[] = {"1m", "1"};

struct Subscripted {
  std::string_view path;
  std::string_view key;
  bool found = false;
};

// "metadata.labels['key']"
Subscripted split_subscript(std::string_view text) {
  if (!text.ends_with("']")) return {text, {}, false};
  std::string_view rest = text.substr(0, text.size() - 2);
  size_t at = rest.find("['");
  if (at == std::string_view::npos || at == 0) return {text, {}, false};
  return {rest.substr(0, at), rest.substr(at + 2), true};
}

// Why a field of a pod can't be named; empty: it can.
std::string field_label_problem(std::string_view version, const Subscripted& at,
                                std::string_view label) {
  if (version != "v1") return "unsupported pod version: " + std::string(version);
  if (at.found) {
    bool map = at.path == "metadata.annotations" || at.path == "metadata.labels";
    return map ? "" : "field label does not support subscript: " + std::string(label);
  }
  if (is_one_of(label, kPodFields)) return {};
  return "field label not supported: " + std::string(label);
}

void validate_divisor(core_v1::ResourceFieldSelector selector, const FieldPath& path,
                      FieldErrors& errors) {
  std::string_view resource = selector.resource();
  if (Quantity::of(selector.divisor()).is_zero()) return;
  size_t dot = resource.find('.');
  std::string_view prefix = resource.substr(0, dot);
  if (dot == std::string_view::npos || (prefix != "limits" && prefix != "requests")) return;
  std::string_view name = resource.substr(dot + 1);
  bool cpu = name == "cpu";
  std::string_view noun = cpu                              ? "cpu"
                          : name == "memory"               ? "memory"
                          : name == "ephemeral-storage"    ? "local ephemeral storage"
                          : name.starts_with("hugepages-") ? "hugepages"
                                                           : "";
  if (noun.empty()) return;
  std::span<const std::string_view> allowed = kByteDivisors;
  if (cpu) allowed = kCpuDivisors;
  if (is_one_of(selector.divisor(), allowed)) return;
  std::string values = cpu ? "1m and 1" : "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";
  errors.invalid(path.child("divisor"), resource,
                 "only divisor's values " + values + " are supported with the " +
                     std::string(noun) + " resource");
}

void validate_key_ref(std::string_view name, std::string_view key, const FieldPath& path,
                      FieldErrors& errors) {
  errors.invalid_all(path.child("name"), name, check_dns1123_subdomain(name));
  if (key.empty()) {
    errors.required(path.child("key"));
  } else {
    errors.invalid_all(path.child("key"), key, check_config_map_key(key));
  }
}

void validate_file_key_ref(core_v1::FileKeySelector selector, const FieldPath& path,
                           FieldErrors& errors) {
  if (selector.key().empty()) {
    errors.required(path.child("key"));
  } else {
    errors.invalid_all(path.child("key"), selector.key(), check_env_var_name(selector.key()));
  }
  if (selector.volume_name().empty()) {
    errors.required(path.child("volumeName"));
  } else {
    errors.invalid_all(path.child("volumeName"), selector.volume_name(),
                       check_dns1123_label(selector.volume_name()));
  }
  if (selector.path().empty()) {
    errors.required(path.child("path"));
  } else {
    check_no_backsteps(selector.path(), path.child("path"), errors);
  }
}

void validate_value_from(core_v1::EnvVar variable, const FieldPath& path, FieldErrors& errors) {
  core_v1::EnvVarSource source = variable.value_from();
  if (source.has_field_ref()) {
    validate_field_ref(source.field_ref(), kEnvFields, path.child("fieldRef"), errors);
  }
  if (source.has_resource_field_ref()) {
    validate_resource_field_ref(source.resource_field_ref(), false, path.child("resourceFieldRef"),
                                errors);
  }
  if (source.has_config_map_key_ref()) {
    validate_key_ref(source.config_map_key_ref().name(), source.config_map_key_ref().key(),
                     path.child("configMapKeyRef"), errors);
  }
  if (source.has_secret_key_ref()) {
    validate_key_ref(source.secret_key_ref().name(), source.secret_key_ref().key(),
                     path.child("secretKeyRef"), errors);
  }
  if (source.has_file_key_ref()) {
    validate_file_key_ref(source.file_key_ref(), path.child("fileKeyRef"), errors);
  }
  size_t sources = source.node().size;
  if (sources == 0) {
    errors.invalid(path, "",
                   "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
                   "`secretKeyRef` or `fileKeyRef`");
  } else if (!variable.value().empty()) {
    errors.invalid(path, "", "may not be specified when `value` is not empty");
  } else if (sources > 1) {
    errors.invalid(path, "", "may not have more than one field specified at a time");
  }
}

void validate_source_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) {
    errors.required(path);
  } else {
    errors.invalid_all(path, name, check_name_is_subdomain(name, true));
  }
}

void validate_env_from(core_v1::EnvFromSource source, const FieldPath& list, size_t i,
                       FieldErrors& errors) {
  FieldPath at = list.index(i);
  if (!source.prefix().empty()) {
    errors.invalid_all(at.child("prefix"), source.prefix(), check_env_var_name(source.prefix()));
  }
  int sources = source.has_config_map_ref() + source.has_secret_ref();
  if (source.has_config_map_ref()) {
    validate_source_name(source.config_map_ref().name(), at.child("configMapRef").child("name"),
                         errors);
  }
  if (source.has_secret_ref()) {
    validate_source_name(source.secret_ref().name(), at.child("secretRef").child("name"), errors);
  }
  // Upstream names the list, not its item.
  if (sources == 0) errors.invalid(list, "", "must specify one of: `configMapRef` or `secretRef`");
  if (sources > 1) errors.invalid(list, "", "may not have more than one field specified at a time");
}

}  // namespace

void validate_field_ref(core_v1::ObjectFieldSelector selector,
                        std::span<const std::string_view> expressions, const FieldPath& path,
                        FieldErrors& errors) {
  std::string_view label = selector.field_path();
  if (selector.api_version().empty()) {
    errors.required(path.child("apiVersion"));
    return;
  }
  if (label.empty()) {
    errors.required(path.child("fieldPath"));
    return;
  }
  Subscripted at = split_subscript(label);
  std::string problem = field_label_problem(selector.api_version(), at, label);
  if (!problem.empty()) {
    errors.invalid(path.child("fieldPath"), label, "error converting fieldPath: " + problem);
  } else if (at.found) {
    std::string key(at.key);
    if (at.path == "metadata.annotations") key = to_lower(key);
    errors.invalid_all(path, key, check_qualified_name(key));
  } else {
    if (label == "spec.host") label = "spec.nodeName";
    check_supported(label, expressions, path.child("fieldPath"), errors);
  }
}

void validate_resource_field_ref(core_v1::ResourceFieldSelector selector, bool volume,
                                 const FieldPath& path, FieldErrors& errors) {
  std::string_view resource = selector.resource();
  bool huge =
      resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
  if (volume && selector.container_name().empty()) {
    errors.required(path.child("containerName"));
  } else if (resource.empty()) {
    errors.required(path.child("resource"));
  } else if (!huge) {
    check_supported(resource, kResourceFields, path.child("resource"), errors);
  }
  validate_divisor(selector, path, errors);
}

void validate_environment(core_v1::Container container, const FieldPath& path,
                          FieldErrors& errors) {
  for (size_t i = 0; i < container.env().size(); ++i) {
    core_v1::EnvVar variable = container.env()[i];
    FieldPath at = path.child("env").index(i);
    if (variable.name().empty()) {
      errors.required(at.child("name"));
    } else {
      errors.invalid_all(at.child("name"), variable.name(), check_env_var_name(variable.name()));
    }
    if (variable.has_value_from()) validate_value_from(variable, at.child("valueFrom"), errors);
  }
  for (size_t i = 0; i < container.env_from().size(); ++i) {
    validate_env_from(container.env_from()[i], path.child("envFrom"), i, errors);
  }
}

void validate_env_files(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  std::map<std::string_view, core_v1::Volume> volumes;
  for (core_v1::Volume volume : spec.volumes()) volumes[volume.name()] = volume;
  for_each_container(spec, path, [&](core_v1::Container container, const FieldPath& at) {
    for (size_t i = 0; i < container.env().size(); ++i) {
      core_v1::EnvVarSource source = container.env()[i].value_from();
      if (!source.has_file_key_ref()) continue;
      std::string_view name = source.file_key_ref().volume_name();
      FieldPath field =
          at.child("env").index(i).child("valueFrom").child("fileKeyRef").child("volumeName");
      auto found = volumes.find(name);
      if (found == volumes.end()) {
        errors.not_found(field, name);
      } else if (!found->second.has_empty_dir()) {
        errors.invalid(field, name, "referenced volume must be of type emptyDir");
      }
    }
  });
}

}  // namespace tiphys::apiserver
