// Rules of Ingresses that are no rows (pkg/apis/networking/validation).
#include "apiserver/validation/ip_checks.h"
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

using networking_v1::Ingress;

constexpr std::string_view kClassAnnotation = "kubernetes.io/ingress.class";
constexpr std::string_view kPathTypes[] = {"Exact", "ImplementationSpecific", "Prefix"};
constexpr std::string_view kBadSequences[] = {"//", "/./", "/../", "%2f", "%2F"};
constexpr std::string_view kBadSuffixes[] = {"/..", "/."};
constexpr std::string_view kNoIp = "must be a DNS name, not an IP address";

bool is_wildcard(std::string_view host) { return host.find('*') != std::string_view::npos; }

Messages check_host(std::string_view host) {
  return is_wildcard(host) ? check_wildcard_subdomain(host) : check_dns1123_subdomain(host);
}

void validate_resource(core_v1::TypedLocalObjectReference reference, const FieldPath& path,
                       FieldErrors& errors) {
  if (reference.has_api_group()) {
    errors.invalid_all(path.child("apiGroup"), reference.api_group(),
                       check_dns1123_subdomain(reference.api_group()));
  }
  struct Name {
    std::string_view field;
    std::string_view value;
  };
  for (const Name& name : {Name{"kind", reference.kind()}, Name{"name", reference.name()}}) {
    if (name.value.empty()) {
      errors.required(path.child(name.field), std::string(name.field) + " is required");
    } else {
      errors.invalid_all(path.child(name.field), name.value, check_path_segment(name.value));
    }
  }
}

void validate_service(networking_v1::IngressServiceBackend service, const FieldPath& path,
                      FieldErrors& errors) {
  FieldPath at = path.child("service");
  if (service.name().empty()) {
    errors.required(at.child("name"));
  } else {
    errors.invalid_all(at.child("name"), service.name(), check_dns1035_label(service.name()));
  }
  std::string_view name = service.port().name();
  int64_t number = service.port().number();
  if (!name.empty() && number != 0) {
    errors.invalid(path, "", "cannot set both port name & port number");
  } else if (!name.empty()) {
    errors.invalid_all(at.child("port").child("name"), name, check_port_name(name));
  } else if (number != 0) {
    for (const std::string& message : check_port_number(number)) {
      errors.invalid(at.child("port").child("number"), number, message);
    }
  } else {
    errors.required(path, "port name or number is required");
  }
}

void validate_backend(networking_v1::IngressBackend backend, const FieldPath& path,
                      FieldErrors& errors) {
  if (backend.has_resource() && backend.has_service()) {
    errors.invalid(path, "", "cannot set both resource and service backends");
  } else if (backend.has_resource()) {
    validate_resource(backend.resource(), path.child("resource"), errors);
  } else if (backend.has_service()) {
    validate_service(backend.service(), path, errors);
  } else {
    errors.invalid(path, "", "resource or service backend is required");
  }
}

void validate_exact_path(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  if (!text.starts_with('/')) errors.invalid(path, text, "must be an absolute path");
  for (std::string_view part : kBadSequences) {
    if (text.find(part) == std::string_view::npos) continue;
    errors.invalid(path, text, "must not contain '" + std::string(part) + "'");
  }
  for (std::string_view end : kBadSuffixes) {
    if (!text.ends_with(end)) continue;
    errors.invalid(path, text, "cannot end with '" + std::string(end) + "'");
  }
}

void validate_path(networking_v1::HTTPIngressPath path, const FieldPath& at, FieldErrors& errors) {
  if (!path.has_path_type()) {
    return errors.required(at.child("pathType"), "pathType must be specified");
  }
  if (path.path_type() == "Exact" || path.path_type() == "Prefix") {
    validate_exact_path(path.path(), at.child("path"), errors);
  } else if (path.path_type() == "ImplementationSpecific") {
    if (!path.path().empty() && !path.path().starts_with('/')) {
      errors.invalid(at.child("path"), path.path(), "must be an absolute path");
    }
  } else {
    errors.not_supported(at.child("pathType"), path.path_type(), kPathTypes);
  }
  validate_backend(path.backend(), at.child("backend"), errors);
}

void validate_paths(networking_v1::IngressRule rule, const FieldPath& path, FieldErrors& errors) {
  if (!rule.has_http()) return;
  FieldPath at = path.child("http").child("paths");
  auto paths = rule.http().paths();
  if (paths.empty()) errors.required(at);
  for (size_t i = 0; i < paths.size(); ++i) validate_path(paths[i], at.index(i), errors);
}

// An old object with such a rule keeps the right to have them.
bool had_bad_wildcard_rule(const RuleInput& input) {
  if (!input.updating()) return false;
  for (networking_v1::IngressRule rule : Ingress(*input.scope.old).spec().rules()) {
    FieldErrors errors;
    if (is_wildcard(rule.host())) validate_paths(rule, FieldPath(), errors);
    if (!errors.empty()) return true;
  }
  return false;
}

bool had_bad_secret_name(const RuleInput& input) {
  if (!input.updating()) return false;
  for (networking_v1::IngressTLS tls : Ingress(*input.scope.old).spec().tls()) {
    std::string_view name = tls.secret_name();
    if (!name.empty() && !check_dns1123_subdomain(name).empty()) return true;
  }
  return false;
}

}  // namespace

void call_ingress_backends(const RuleInput& input, FieldErrors& errors) {
  networking_v1::IngressSpec spec(input.value.as_node());
  if (spec.rules().empty() && !spec.has_default_backend()) {
    errors.invalid_raw(input.path,
                       printed_field(networking_v1::IngressSpec::message(), spec.node(), "rules"),
                       "either `defaultBackend` or `rules` must be specified");
  }
  if (spec.has_default_backend()) {
    validate_backend(spec.default_backend(), input.path.child("defaultBackend"), errors);
  }
}

void call_ingress_rules(const RuleInput& input, FieldErrors& errors) {
  ListView<networking_v1::IngressRule> rules(input.value.as_node());
  bool lenient = had_bad_wildcard_rule(input);
  for (size_t i = 0; i < rules.size(); ++i) {
    FieldPath path = input.path.index(i);
    std::string_view host = rules[i].host();
    if (!host.empty()) {
      if (parse_ip(host)) errors.invalid(path.child("host"), host, kNoIp);
      errors.invalid_all(path.child("host"), host, check_host(host));
    }
    if (!lenient || !is_wildcard(host)) validate_paths(rules[i], path, errors);
  }
}

void call_ingress_tls(const RuleInput& input, FieldErrors& errors) {
  ListView<networking_v1::IngressTLS> list(input.value.as_node());
  bool lenient = had_bad_secret_name(input);
  for (size_t i = 0; i < list.size(); ++i) {
    FieldPath path = input.path.index(i);
    auto hosts = list[i].hosts();
    for (size_t j = 0; j < hosts.size(); ++j) {
      errors.invalid_all(path.child("hosts").index(j), hosts[j], check_host(hosts[j]));
    }
    std::string_view name = list[i].secret_name();
    if (name.empty() || lenient) continue;
    errors.invalid_all(path.child("secretName"), name, check_dns1123_subdomain(name));
  }
}

void call_ingress_class_annotation(const RuleInput& input, FieldErrors& errors) {
  Ingress ingress(input.value.as_node());
  auto annotations = ingress.metadata().annotations();
  if (!annotations.contains(kClassAnnotation) || !ingress.spec().has_ingress_class_name()) return;
  std::string_view value = annotations.find(kClassAnnotation);
  if (value == ingress.spec().ingress_class_name()) return;
  errors.invalid(FieldPath("annotations").child(kClassAnnotation), value,
                 "must match `ingressClassName` when both are specified");
}

void call_not_an_ip(const RuleInput& input, FieldErrors& errors) {
  if (parse_ip(input.value.as_text())) {
    errors.invalid(input.path, input.value.as_text(), kNoIp);
  }
}

}  // namespace tiphys::apiserver
