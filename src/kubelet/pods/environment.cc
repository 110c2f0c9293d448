#include "kubelet/pods/environment.h"

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

std::string variable_name(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '-') c = '_';
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::string bracketed(std::string_view ip) {
  return ip.find(':') == std::string_view::npos ? std::string(ip) : "[" + std::string(ip) + "]";
}

void add_service(core_v1::Service service, Environment& out) {
  std::string ip(service.spec().cluster_ip());
  if (ip.empty() || ip == "None" || service.spec().ports().empty()) return;
  std::string prefix = variable_name(service.metadata().name());
  auto ports = service.spec().ports();
  out.set(prefix + "_SERVICE_HOST", ip);
  out.set(prefix + "_SERVICE_PORT", std::to_string(ports[0].port()));
  for (core_v1::ServicePort port : ports) {
    if (port.name().empty()) continue;
    out.set(prefix + "_SERVICE_PORT_" + variable_name(port.name()), std::to_string(port.port()));
  }
  bool first = true;
  for (core_v1::ServicePort port : ports) {
    std::string protocol(port.protocol().empty() ? "TCP" : port.protocol());
    std::string number = std::to_string(port.port());
    std::string url = to_lower(protocol) + "://" + bracketed(ip) + ":" + number;
    if (first) out.set(prefix + "_PORT", url);
    first = false;
    std::string base = prefix + "_PORT_" + number + "_" + protocol;
    out.set(base, url);
    out.set(base + "_PROTO", to_lower(protocol));
    out.set(base + "_PORT", number);
    out.set(base + "_ADDR", ip);
  }
}

class Builder {
 public:
  Builder(const DownwardContext& context, const Fetched& fetched, core_v1::Container container)
      : context_(context), fetched_(fetched), container_(container) {}

  Result<Environment> build(Environment services) {
    for (core_v1::EnvFromSource from : container_.env_from()) {
      Result<void> added = add_from(from);
      if (!added) return added.error();
    }
    for (core_v1::EnvVar variable : container_.env()) {
      Result<std::optional<std::string>> value = value_of(variable, services);
      if (!value) return value.error();
      if (*value) out_.set(std::string(variable.name()), **value);
    }
    for (auto& [name, value] : services.variables) {
      if (!out_.contains(name)) out_.set(name, value);
    }
    return std::move(out_);
  }

 private:
  std::string where(std::string_view name) const {
    return std::string(context_.pod.metadata().namespace_()) + "/" + std::string(name);
  }

  Result<void> add_from(core_v1::EnvFromSource from) {
    std::string prefix(from.prefix());
    if (from.has_config_map_ref()) {
      auto map = find_config_map(fetched_, from.config_map_ref().name());
      if (!map && from.config_map_ref().optional() && map.error().is_not_found()) return {};
      if (!map) return map.error();
      for (auto [key, value] : map->data()) out_.set(prefix + std::string(key), std::string(value));
    }
    if (from.has_secret_ref()) {
      auto secret = find_secret(fetched_, from.secret_ref().name());
      if (!secret && from.secret_ref().optional() && secret.error().is_not_found()) return {};
      if (!secret) return secret.error();
      for (auto [key, value] : secret->data())
        out_.set(prefix + std::string(key), std::string(value));
    }
    return {};
  }

  Result<std::optional<std::string>> value_of(core_v1::EnvVar variable,
                                              const Environment& services) {
    core_v1::EnvVarSource from = variable.value_from();
    if (from.has_field_ref()) return present(field_value(context_, from.field_ref().field_path()));
    if (from.has_resource_field_ref()) return resource(from.resource_field_ref());
    if (from.has_config_map_key_ref()) return config_map_key(from.config_map_key_ref());
    if (from.has_secret_key_ref()) return secret_key(from.secret_key_ref());
    if (variable.value().find('$') == std::string_view::npos) {
      return std::optional<std::string>(variable.value());
    }
    Variables known = services.lookup();
    for (auto& [name, value] : out_.variables) known[name] = value;
    return std::optional<std::string>(expand_variables(variable.value(), known));
  }

  static Result<std::optional<std::string>> present(Result<std::string> value) {
    if (!value) return value.error();
    return std::optional<std::string>(std::move(*value));
  }

  Result<std::optional<std::string>> resource(core_v1::ResourceFieldSelector ref) {
    core_v1::Container c = ref.container_name().empty()
                               ? container_
                               : find_container(context_.pod.spec(), ref.container_name());
    return present(resource_value(context_, c, ref.resource(), ref.divisor()));
  }

  Result<std::optional<std::string>> config_map_key(core_v1::ConfigMapKeySelector ref) {
    auto map = find_config_map(fetched_, ref.name());
    if (!map && ref.optional() && map.error().is_not_found()) return std::optional<std::string>();
    if (!map) return map.error();
    if (map->data().contains(ref.key())) {
      return std::optional<std::string>(map->data().find(ref.key()));
    }
    if (ref.optional()) return std::optional<std::string>();
    return ApiStatus::bad_request("couldn't find key " + std::string(ref.key()) + " in ConfigMap " +
                                  where(ref.name()));
  }

  Result<std::optional<std::string>> secret_key(core_v1::SecretKeySelector ref) {
    auto secret = find_secret(fetched_, ref.name());
    if (!secret && ref.optional() && secret.error().is_not_found())
      return std::optional<std::string>();
    if (!secret) return secret.error();
    if (secret->data().contains(ref.key())) {
      return std::optional<std::string>(secret->data().find(ref.key()));
    }
    if (ref.optional()) return std::optional<std::string>();
    return ApiStatus::bad_request("couldn't find key " + std::string(ref.key()) + " in Secret " +
                                  where(ref.name()));
  }

  const DownwardContext& context_;
  const Fetched& fetched_;
  core_v1::Container container_;
  Environment out_;
};

}  // namespace

void Environment::set(std::string name, std::string value) {
  auto [at, is_new] = positions.try_emplace(name, variables.size());
  if (is_new) {
    variables.emplace_back(std::move(name), std::move(value));
  } else {
    variables[at->second].second = std::move(value);
  }
}

Environment service_environment(const std::vector<core_v1::Service>& services) {
  Environment out;
  for (core_v1::Service service : services) add_service(service, out);
  return out;
}

Result<Environment> container_environment(const DownwardContext& context, const Fetched& fetched,
                                          core_v1::Container container, Environment services) {
  return Builder(context, fetched, container).build(std::move(services));
}

}  // namespace tiphys::kubelet
