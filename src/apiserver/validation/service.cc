#include "apiserver/validation/service.h"

#include <set>

#include "apiserver/validation/names.h"
#include "apiserver/validation/selectors.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kTypes[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
constexpr std::string_view kAffinities[] = {"ClientIP", "None"};
constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view kTrafficPolicies[] = {"Cluster", "Local"};
constexpr size_t kTotalBytes = 1024 * 1024;  // of a ConfigMap's or Secret's data
constexpr int64_t kMaxAffinitySeconds = 86400;

void check(const Messages& messages, std::string_view value, const FieldPath& path,
           FieldErrors& errors) {
  for (const std::string& message : messages) errors.invalid(path, value, message);
}

// Go's %#v of the clusterIPs that one address makes.
std::string go_strings(std::string_view address) { return "[]string{" + go_quote(address) + "}"; }

bool is_external_name(core_v1::Service service) { return service.spec().type() == "ExternalName"; }

void validate_target_port(const Value& port, const FieldPath& path, FieldErrors& errors) {
  if (port.type == ValueType::kString) {
    check(check_port_name(port.as_text()), port.as_text(), path, errors);
  } else {
    for (const std::string& message : check_port_number(port.as_int())) {
      errors.invalid(path, port.as_int(), message);
    }
  }
}

void validate_port(core_v1::ServicePort port, bool name_required, std::set<std::string>& names,
                   const FieldPath& path, FieldErrors& errors) {
  if (name_required && port.name().empty()) {
    errors.required(path.child("name"));
  } else if (!port.name().empty()) {
    check(check_dns1123_label(port.name()), port.name(), path.child("name"), errors);
    if (!names.insert(std::string(port.name())).second) {
      errors.duplicate(path.child("name"), port.name());
    }
  }
  for (const std::string& message : check_port_number(port.port())) {
    errors.invalid(path.child("port"), port.port(), message);
  }
  if (port.protocol().empty()) {
    errors.required(path.child("protocol"));
  } else if (!std::ranges::count(kProtocols, port.protocol())) {
    errors.not_supported(path.child("protocol"), port.protocol(), kProtocols);
  }
  validate_target_port(port.target_port(), path.child("targetPort"), errors);
}

void validate_ports(core_v1::Service service, FieldErrors& errors) {
  FieldPath path("spec.ports");
  auto ports = service.spec().ports();
  bool headless = service.spec().cluster_ip() == "None";
  if (ports.empty() && !headless && !is_external_name(service)) {
    errors.required(path);
    return;
  }
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    validate_port(ports[i], ports.size() > 1, names, path.index(i), errors);
  }
  std::set<std::pair<std::string_view, int32_t>> seen;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!seen.insert({ports[i].protocol(), ports[i].port()}).second) {
      errors.invalid_raw(path.index(i),
                         "{\"protocol\":\"" + std::string(ports[i].protocol()) +
                             "\",\"port\":" + std::to_string(ports[i].port()) + "}",
                         "may not be a duplicate of another port");
    }
  }
}

void validate_addresses(core_v1::Service service, FieldErrors& errors) {
  FieldPath spec("spec");
  auto addresses = service.spec().cluster_ips();
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (addresses[i] == "None") continue;
    check(check_ip(addresses[i]), addresses[i], spec.child("clusterIPs").index(i), errors);
  }
  auto external = service.spec().external_ips();
  for (size_t i = 0; i < external.size(); ++i) {
    check(check_ip(external[i]), external[i], spec.child("externalIPs").index(i), errors);
  }
}

void validate_affinity(core_v1::Service service, FieldErrors& errors) {
  FieldPath path("spec.sessionAffinity");
  std::string_view affinity = service.spec().session_affinity();
  if (affinity.empty()) {
    errors.required(path);
    return;
  }
  if (!std::ranges::count(kAffinities, affinity)) {
    errors.not_supported(path, affinity, kAffinities);
    return;
  }
  if (affinity == "ClientIP") {
    auto client = service.spec().session_affinity_config().client_ip();
    int64_t seconds = client.timeout_seconds();
    if (seconds <= 0 || seconds > kMaxAffinitySeconds) {
      errors.invalid(FieldPath("spec.sessionAffinityConfig.clientIP.timeoutSeconds"), seconds,
                     "must be greater than 0 and less than 86400");
    }
  } else if (service.spec().has_session_affinity_config()) {
    errors.forbidden(FieldPath("spec.sessionAffinityConfig"),
                     "must not be set when session affinity is None");
  }
}

void validate_policies(core_v1::Service service, FieldErrors& errors) {
  core_v1::ServiceSpec spec = service.spec();
  bool external = spec.type() == "NodePort" || spec.type() == "LoadBalancer" ||
                  (spec.type() == "ClusterIP" && !spec.external_ips().empty());
  FieldPath path("spec.externalTrafficPolicy");
  if (!spec.external_traffic_policy().empty() && !external) {
    errors.invalid(path, spec.external_traffic_policy(),
                   "may only be set for externally-accessible services");
  } else if (external && !std::ranges::count(kTrafficPolicies, spec.external_traffic_policy())) {
    errors.not_supported(path, spec.external_traffic_policy(), kTrafficPolicies);
  }
  if (!spec.internal_traffic_policy().empty() &&
      !std::ranges::count(kTrafficPolicies, spec.internal_traffic_policy())) {
    errors.not_supported(FieldPath("spec.internalTrafficPolicy"), spec.internal_traffic_policy(),
                         kTrafficPolicies);
  }
}

bool same_map(const MapView<std::string_view>& a, const MapView<std::string_view>& b) {
  if (a.size() != b.size()) return false;
  for (auto [key, value] : a) {
    if (!b.contains(key) || b.find(key) != value) return false;
  }
  return true;
}

void validate_keys(const MapView<std::string_view>& data, const FieldPath& path, size_t& total,
                   FieldErrors& errors) {
  for (auto [key, value] : data) {
    check(check_config_map_key(key), key, path.key(key), errors);
    total += value.size();
  }
}

}  // namespace

void validate_service(core_v1::Service service, FieldErrors& errors) {
  core_v1::ServiceSpec spec = service.spec();
  validate_ports(service, errors);
  if (!std::ranges::count(kTypes, spec.type())) {
    if (spec.type().empty()) {
      errors.required(FieldPath("spec.type"));
    } else {
      errors.not_supported(FieldPath("spec.type"), spec.type(), kTypes);
    }
  }
  if (is_external_name(service)) {
    std::string_view name = spec.external_name();
    if (name.ends_with(".")) name.remove_suffix(1);
    if (name.empty()) {
      errors.required(FieldPath("spec.externalName"));
    } else {
      check(check_dns1123_subdomain(name), spec.external_name(), FieldPath("spec.externalName"),
            errors);
    }
  }
  if (spec.has_selector()) validate_labels(spec.selector(), FieldPath("spec.selector"), errors);
  validate_affinity(service, errors);
  validate_addresses(service, errors);
  validate_policies(service, errors);
}

void validate_service_update(core_v1::Service service, core_v1::Service old, FieldErrors& errors) {
  std::string_view before = old.spec().cluster_ip();
  std::string_view now = service.spec().cluster_ip();
  if (!is_external_name(service) && !is_external_name(old) && !before.empty() && before != now) {
    errors.invalid_raw(FieldPath("spec.clusterIPs").index(0), go_strings(now),
                       "may not change once set");
  }
  validate_service(service, errors);
}

void validate_config_map(core_v1::ConfigMap config_map, FieldErrors& errors) {
  size_t total = 0;
  validate_keys(config_map.data(), FieldPath("data"), total, errors);
  for (auto [key, value] : config_map.binary_data()) {
    FieldPath at = FieldPath("binaryData").key(key);
    check(check_config_map_key(key), key, at, errors);
    if (config_map.data().contains(key)) {
      errors.invalid(at, key, "duplicate of key present in data");
    }
    total += value.size();
  }
  if (total > kTotalBytes) errors.too_long(FieldPath("[]"), static_cast<int>(kTotalBytes));
}

void validate_config_map_update(core_v1::ConfigMap config_map, core_v1::ConfigMap old,
                                FieldErrors& errors) {
  if (old.immutable()) {
    constexpr std::string_view kImmutable = "field is immutable when `immutable` is set";
    if (!config_map.immutable()) errors.forbidden(FieldPath("immutable"), kImmutable);
    if (!same_map(config_map.data(), old.data())) errors.forbidden(FieldPath("data"), kImmutable);
    if (!same_map(config_map.binary_data(), old.binary_data())) {
      errors.forbidden(FieldPath("binaryData"), kImmutable);
    }
  }
  validate_config_map(config_map, errors);
}

void validate_secret(core_v1::Secret secret, FieldErrors& errors) {
  size_t total = 0;
  validate_keys(secret.data(), FieldPath("data"), total, errors);
  if (total > kTotalBytes) errors.too_long(FieldPath("data"), static_cast<int>(kTotalBytes));
  if (secret.type() == "kubernetes.io/service-account-token") {
    if (secret.metadata().annotations().find("kubernetes.io/service-account.name").empty()) {
      errors.required(FieldPath("metadata.annotations").key("kubernetes.io/service-account.name"));
    }
  } else if (secret.type() == "kubernetes.io/tls") {
    for (std::string_view key : {"tls.crt", "tls.key"}) {
      if (!secret.data().contains(key)) errors.required(FieldPath("data").key(key));
    }
  } else if (secret.type() == "kubernetes.io/dockerconfigjson") {
    if (!secret.data().contains(".dockerconfigjson")) {
      errors.required(FieldPath("data").key(".dockerconfigjson"));
    }
  } else if (secret.type() == "kubernetes.io/ssh-auth") {
    if (secret.data().find("ssh-privatekey").empty()) {
      errors.required(FieldPath("data").key("ssh-privatekey"));
    }
  }
}

void validate_secret_update(core_v1::Secret secret, core_v1::Secret old, FieldErrors& errors) {
  if (secret.type() != old.type()) {
    errors.invalid(FieldPath("type"), secret.type(), "field is immutable");
  }
  if (old.immutable()) {
    constexpr std::string_view kImmutable = "field is immutable when `immutable` is set";
    if (!secret.immutable()) errors.forbidden(FieldPath("immutable"), kImmutable);
    if (!same_map(secret.data(), old.data())) errors.forbidden(FieldPath("data"), kImmutable);
  }
  validate_secret(secret, errors);
}

}  // namespace tiphys::apiserver
