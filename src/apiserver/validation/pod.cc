#include "apiserver/validation/pod.h"

#include "apiserver/validation/affinity.h"
#include "apiserver/validation/checks.h"
#include "apiserver/validation/container.h"
#include "apiserver/validation/container_parts.h"
#include "apiserver/validation/resources.h"
#include "apiserver/validation/rules.h"
#include "apiserver/validation/selectors.h"
#include "apiserver/validation/volume.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kMirrorPod = "kubernetes.io/config.mirror";
constexpr size_t kMaxNameservers = 3;
constexpr size_t kMaxSearches = 32;
constexpr size_t kMaxSearchBytes = 2048;
constexpr int kMaxHostNameBytes = 64;

void validate_host_network(const PodScope& pod, const FieldPath& path, FieldErrors& errors) {
  if (!pod.spec.host_network()) return;
  for (size_t i = 0; i < pod.spec.containers().size(); ++i) {
    auto ports = pod.spec.containers()[i].ports();
    for (size_t k = 0; k < ports.size(); ++k) {
      int32_t host = ports[k].host_port();
      if ((host == 0 && !pod.is_pod) || host == ports[k].container_port()) continue;
      errors.invalid(path.child("containers").index(i).child("ports").index(k).child("hostPort"),
                     host, "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

void validate_searches(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  auto searches = spec.dns_config().searches();
  size_t bytes = 0;
  for (std::string_view search : searches) bytes += search.size() + 1;
  auto too_much = [&](const std::string& detail) {
    const schema::Message& type = core_v1::PodDNSConfig::message_type();
    errors.invalid_raw(path, printed_field(type, spec.dns_config().node(), "searches"), detail);
  };
  if (searches.size() > kMaxSearches) too_much("must not have more than 32 search paths");
  if (bytes > kMaxSearchBytes + 1) {
    too_much("must not have more than 2048 characters (including spaces) in the search list");
  }
  for (size_t i = 0; i < searches.size(); ++i) {
    std::string_view search = searches[i];
    if (search == ".") continue;
    if (search.ends_with('.')) search.remove_suffix(1);
    errors.invalid_all(path.index(i), search, check_subdomain_with_underscore(search));
  }
}

void validate_dns_config(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  auto servers = spec.dns_config().nameservers();
  FieldPath at = path.child("nameservers");
  if (spec.dns_policy() == "None") {
    if (!spec.has_dns_config()) {
      errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
      return;
    }
    if (servers.empty()) {
      errors.required(at, "must provide at least one DNS nameserver when `dnsPolicy` is None");
      return;
    }
  }
  if (servers.size() > kMaxNameservers) {
    const schema::Message& type = core_v1::PodDNSConfig::message_type();
    errors.invalid_raw(at, printed_field(type, spec.dns_config().node(), "nameservers"),
                       "must not have more than 3 nameservers");
  }
  for (size_t i = 0; i < servers.size(); ++i) {
    errors.invalid_all(at.index(i), servers[i], check_ip(servers[i]));
  }
  validate_searches(spec, path.child("searches"), errors);
  for (size_t i = 0; i < spec.dns_config().options().size(); ++i) {
    if (!spec.dns_config().options()[i].name().empty()) continue;
    errors.required(path.child("options").index(i), "must not be empty");
  }
}

void validate_gates(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < spec.readiness_gates().size(); ++i) {
    std::string_view type = spec.readiness_gates()[i].condition_type();
    errors.invalid_all(path.child("readinessGates").index(i).child("conditionType"), type,
                       check_qualified_name(type));
  }
  std::set<std::string_view> seen;
  for (size_t i = 0; i < spec.scheduling_gates().size(); ++i) {
    std::string_view name = spec.scheduling_gates()[i].name();
    FieldPath at = path.child("schedulingGates").index(i);
    errors.invalid_all(at, name, check_qualified_name(name));
    if (!seen.insert(name).second) errors.duplicate(at, name);
  }
}

void validate_claim(core_v1::PodResourceClaim claim, const PodScope& pod,
                    std::set<std::string_view>& names, const FieldPath& path, FieldErrors& errors) {
  if (pod.mirror) {
    errors.forbidden(FieldPath::whole_object(), "static pods do not support resource claims");
    return;
  }
  if (claim.name().empty()) {
    errors.required(path.child("name"));
  } else if (!names.insert(claim.name()).second) {
    errors.duplicate(path.child("name"), claim.name());
  } else {
    errors.invalid_all(path.child("name"), claim.name(), check_dns1123_label(claim.name()));
  }
  int sources = claim.has_resource_claim_name() + claim.has_resource_claim_template_name();
  if (sources != 1) {
    std::string json;
    codec::encode_json(core_v1::PodResourceClaim::message_type(), claim.node(), json);
    errors.invalid_raw(path, json,
                       sources == 2
                           ? "at most one of `resourceClaimName` or `resourceClaimTemplateName` "
                             "may be specified"
                           : "must specify one of: `resourceClaimName`, "
                             "`resourceClaimTemplateName`");
  }
  validate_part(core_v1::PodResourceClaim::message_type(), claim.node(), path, errors);
}

std::set<std::string_view> validate_claims(const PodScope& pod, const FieldPath& path,
                                           FieldErrors& errors) {
  std::set<std::string_view> seen;
  std::set<std::string_view> names;
  for (size_t i = 0; i < pod.spec.resource_claims().size(); ++i) {
    core_v1::PodResourceClaim claim = pod.spec.resource_claims()[i];
    validate_claim(claim, pod, seen, path.index(i), errors);
    if (!claim.name().empty()) names.insert(claim.name());
  }
  return names;
}

void validate_host_users(const PodScope& pod, const FieldPath& path, FieldErrors& errors) {
  if (pod.host_users()) return;
  constexpr std::string_view kWhy = "when `hostUsers` is false";
  if (pod.spec.host_network()) errors.forbidden(path.child("hostNetwork"), kWhy);
  if (pod.spec.host_pid()) errors.forbidden(path.child("HostPID"), kWhy);
  if (pod.spec.host_ipc()) errors.forbidden(path.child("HostIPC"), kWhy);
  if (pod.allow.user_namespace_devices) return;
  for_each_container(pod.spec, path, [&](core_v1::Container container, const FieldPath& at) {
    if (!container.volume_devices().empty()) errors.forbidden(at.child("volumeDevices"), kWhy);
  });
}

void validate_host_name(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  if (!spec.has_hostname_override()) return;
  FieldPath at = path.child("hostnameOverride");
  if (spec.set_hostname_as_fqdn()) {
    errors.forbidden(at, "may not be specified when setHostnameAsFQDN is true");
  }
  if (spec.host_network()) errors.forbidden(at, "may not be specified when hostNetwork is true");
  std::string_view name = spec.hostname_override();
  if (name.size() > kMaxHostNameBytes) errors.too_long(at, kMaxHostNameBytes);
  errors.invalid_all(at, name, check_dns1123_subdomain(name));
}

void validate_host_aliases(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < spec.host_aliases().size(); ++i) {
    core_v1::HostAlias alias = spec.host_aliases()[i];
    FieldPath at = path.index(i);
    errors.invalid_all(at.child("ip"), alias.ip(), check_ip(alias.ip()));
    for (size_t k = 0; k < alias.hostnames().size(); ++k) {
      std::string_view name = alias.hostnames()[k];
      errors.invalid_all(at.child("hostnames").index(k), name, check_dns1123_subdomain(name));
    }
  }
}

// Tokens are somebody's: without a service account there are none.
void forbid_tokens(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  if (!spec.service_account_name().empty()) return;
  for (size_t i = 0; i < spec.volumes().size(); ++i) {
    auto sources = spec.volumes()[i].projected().sources();
    for (size_t k = 0; k < sources.size(); ++k) {
      if (!sources[k].has_service_account_token()) continue;
      errors.forbidden(path.child("volumes")
                           .index(i)
                           .child("projected")
                           .child("sources")
                           .index(k)
                           .child("serviceAccountToken"),
                       "must not be specified when serviceAccountName is not set");
    }
  }
}

}  // namespace

void validate_pod_spec(const PodScope& pod, const FieldPath& path, FieldErrors& errors) {
  core_v1::PodSpec spec = pod.spec;
  // Names, policies and limits that are plain data, where upstream looks at them.
  auto check = [&](std::initializer_list<std::string_view> fields) {
    validate_fields(core_v1::PodSpec::message_type(), spec.node(), fields, path, errors);
  };
  check({"terminationGracePeriodSeconds"});
  VolumesByName volumes = validate_volumes(pod, path.child("volumes"), errors);
  std::set<std::string_view> claims = validate_claims(pod, path.child("resourceClaims"), errors);
  validate_containers({pod, volumes, claims}, path, errors);
  ResourceRules rules{.claims = &claims, .huge_pages = pod.allow.huge_pages};
  validate_pod_resources(spec, rules, path.child("resources"), errors);
  validate_host_network(pod, path, errors);
  check({"restartPolicy", "dnsPolicy"});
  validate_labels(spec.node_selector(), path.child("nodeSelector"), errors);
  validate_pod_security(pod, path.child("securityContext"), errors);
  validate_affinity(spec.affinity(), pod.allow, path.child("affinity"), errors);
  validate_dns_config(spec, path.child("dnsConfig"), errors);
  validate_gates(spec, path, errors);
  validate_spread_constraints(spec, pod.allow, path.child("topologySpreadConstraints"), errors);
  validate_host_process(spec, path, errors);
  validate_host_users(pod, path, errors);
  validate_host_name(spec, path, errors);
  check({"serviceAccountName", "nodeName", "activeDeadlineSeconds", "hostname", "subdomain"});
  validate_tolerations(spec.tolerations(), path.child("tolerations"), errors);
  validate_host_aliases(spec, path.child("hostAliases"), errors);
  check({"priorityClassName", "runtimeClassName", "preemptionPolicy"});
  validate_overhead(spec.overhead(), rules, path.child("overhead"), errors);
  validate_os(spec, path, errors);
  validate_env_files(spec, path, errors);
}

void validate_template_metadata(core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                                FieldErrors& errors, const core_v1::PodTemplateSpec* old) {
  MapView<std::string_view> annotations = pod_template.metadata().annotations();
  PodLeniency allow;
  if (old) allow = pod_leniency(old->spec(), old->metadata().annotations());
  // Upstream leaves metadata out of these paths.
  validate_labels(pod_template.metadata().labels(), path.child("labels"), errors);
  validate_annotations(annotations, path.child("annotations"), errors);
  validate_pod_annotations(annotations, pod_template.spec(), allow.deletion_cost,
                           path.child("annotations"), errors);
}

void validate_pod_template(core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                           FieldErrors& errors, const core_v1::PodTemplateSpec* old) {
  MapView<std::string_view> annotations = pod_template.metadata().annotations();
  PodScope scope{.spec = pod_template.spec()};
  if (old) scope.allow = pod_leniency(old->spec(), old->metadata().annotations());
  validate_template_metadata(pod_template, path, errors, old);
  validate_pod_spec(scope, path.child("spec"), errors);
  validate_profile_annotations(annotations, scope.spec, path.child("spec"), errors);
  if (!scope.spec.ephemeral_containers().empty()) {
    errors.forbidden(path.child("spec").child("ephemeralContainers"),
                     "ephemeral containers not allowed in pod template");
  }
}

void validate_pod_template_object(core_v1::PodTemplate object, const core_v1::PodTemplate* old,
                                  FieldErrors& errors) {
  core_v1::PodTemplateSpec before;
  if (old) before = old->template_();
  validate_pod_template(object.template_(), FieldPath("template"), errors, old ? &before : nullptr);
}

void validate_pod(core_v1::Pod pod, const core_v1::Pod* old, FieldErrors& errors) {
  MapView<std::string_view> annotations = pod.metadata().annotations();
  PodScope scope{.spec = pod.spec(),
                 .is_pod = true,
                 .pod_name = pod.metadata().name(),
                 .mirror = annotations.contains(kMirrorPod)};
  if (old) scope.allow = pod_leniency(old->spec(), old->metadata().annotations());
  FieldPath spec("spec");
  validate_pod_annotations(annotations, scope.spec, scope.allow.deletion_cost,
                           FieldPath("metadata.annotations"), errors);
  validate_pod_spec(scope, spec, errors);
  forbid_tokens(scope.spec, spec, errors);
  validate_image_padding(scope.spec, spec, errors);
}

void validate_pod_create(core_v1::Pod pod, FieldErrors& errors) {
  FieldPath spec("spec");
  validate_pod(pod, nullptr, errors);
  if (!pod.spec().ephemeral_containers().empty()) {
    errors.forbidden(spec.child("ephemeralContainers"), "cannot be set on create");
  }
  if (!pod.spec().node_name().empty() && !pod.spec().scheduling_gates().empty()) {
    errors.forbidden(spec.child("nodeName"),
                     "cannot be set until all schedulingGates have been cleared");
  }
  validate_profile_annotations(pod.metadata().annotations(), pod.spec(), spec, errors);
}

}  // namespace tiphys::apiserver
