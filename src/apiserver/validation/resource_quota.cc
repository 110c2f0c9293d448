// Validation of ResourceQuotas.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/quota.h"
#include "apiserver/validation/resource_names.h"
#include "apiserver/validation/rules.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kScopes[] = {"Terminating",
                                        "NotTerminating",
                                        "BestEffort",
                                        "NotBestEffort",
                                        "PriorityClass",
                                        "VolumeAttributesClass",
                                        "CrossNamespacePodAffinity"};
constexpr std::string_view kComputeResources[] = {
    "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"};

// Which resources a quota of a scope may count.
bool counts(std::string_view scope, std::string_view resource) {
  if (!is_one_of(scope, kScopes)) return true;
  if (scope == "BestEffort") return resource == "pods";
  if (scope == "VolumeAttributesClass") {
    return resource == "persistentvolumeclaims" || resource == "requests.storage";
  }
  return resource == "pods" || is_one_of(resource, kComputeResources);
}

void validate_amounts(const MapView<std::string_view>& amounts, const FieldPath& path,
                      FieldErrors& errors) {
  for (auto [name, amount] : amounts) {
    check_quota_resource_name(name, path.key(name), errors);
    check_resource_amount(name, amount, path.key(name), errors);
  }
}

void check_resources(core_v1::ResourceQuotaSpec spec, std::string_view scope,
                     std::string_view shown, const FieldPath& path, FieldErrors& errors) {
  for (auto [name, amount] : spec.hard()) {
    if (!is_standard_quota_resource(name) || counts(scope, name)) continue;
    errors.invalid_raw(path, shown, "unsupported scope applied to resource");
  }
}

void check_conflicts(const std::set<std::string_view>& scopes, std::string_view shown,
                     const FieldPath& path, FieldErrors& errors) {
  for (auto [a, b] :
       {std::pair("BestEffort", "NotBestEffort"), std::pair("Terminating", "NotTerminating")}) {
    if (!scopes.contains(a) || !scopes.contains(b)) continue;
    errors.invalid_raw(path, shown, "conflicting scopes");
  }
}

std::string printed(core_v1::ResourceQuotaSpec spec, std::string_view field) {
  return printed_field(core_v1::ResourceQuotaSpec::message_type(), spec.node(), field);
}

void validate_scopes(core_v1::ResourceQuotaSpec spec, FieldErrors& errors) {
  FieldPath path("spec.scopes");
  std::string shown = printed(spec, "scopes");
  std::set<std::string_view> scopes;
  for (std::string_view scope : spec.scopes()) {
    if (!is_one_of(scope, kScopes)) errors.invalid_raw(path, shown, "unsupported scope");
    check_resources(spec, scope, shown, path, errors);
    scopes.insert(scope);
  }
  check_conflicts(scopes, shown, path, errors);
}

void validate_operator(core_v1::ScopedResourceSelectorRequirement requirement,
                       const FieldPath& path, FieldErrors& errors) {
  std::string_view op = requirement.operator_();
  std::string_view scope = requirement.scope_name();
  bool valued = scope == "PriorityClass" || scope == "VolumeAttributesClass";
  if (is_one_of(scope, kScopes) && !valued && op != "Exists") {
    errors.invalid(path.child("operator"), op,
                   "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
                   "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
                   "ResourceQuotaScopeNotBestEffort or "
                   "ResourceQuotaScopeCrossNamespacePodAffinity");
  }
  if (op == "In" || op == "NotIn") {
    if (!requirement.values().empty()) return;
    errors.required(path.child("values"),
                    "must be at least one value when `operator` is 'In' or 'NotIn' for scope "
                    "selector");
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (requirement.values().empty()) return;
    const schema::Message& type = core_v1::ScopedResourceSelectorRequirement::message_type();
    errors.invalid_raw(path.child("values"), printed_field(type, requirement.node(), "values"),
                       "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope "
                       "selector");
  } else {
    errors.invalid(path.child("operator"), op, "not a valid selector operator");
  }
}

void validate_scope_selector(core_v1::ResourceQuotaSpec spec, FieldErrors& errors) {
  if (!spec.has_scope_selector()) return;
  // Upstream leaves the index out of these paths.
  FieldPath path("spec.scopeSelector.matchExpressions");
  std::set<std::string_view> scopes;
  for (core_v1::ScopedResourceSelectorRequirement each :
       spec.scope_selector().match_expressions()) {
    if (!is_one_of(each.scope_name(), kScopes)) {
      errors.invalid(path.child("scopeName"), each.scope_name(), "unsupported scope");
    }
    check_resources(spec, each.scope_name(), printed(spec, "scopeSelector"), path, errors);
    validate_operator(each, path, errors);
    scopes.insert(each.scope_name());
  }
  check_conflicts(scopes, printed(spec, "scopes"), path, errors);
}

std::set<std::string_view> scopes_of(core_v1::ResourceQuota quota) {
  auto scopes = quota.spec().scopes();
  return {scopes.begin(), scopes.end()};
}

}  // namespace

void validate_resource_quota(core_v1::ResourceQuota quota, const core_v1::ResourceQuota* old,
                             FieldErrors& errors) {
  validate_amounts(quota.spec().hard(), FieldPath("spec.hard"), errors);
  validate_scopes(quota.spec(), errors);
  validate_scope_selector(quota.spec(), errors);
  if (old && scopes_of(quota) != scopes_of(*old)) {
    errors.invalid_raw(FieldPath("spec.scopes"), printed(quota.spec(), "scopes"),
                       "field is immutable");
  }
}

void validate_resource_quota_status(core_v1::ResourceQuota quota, const core_v1::ResourceQuota*,
                                    FieldErrors& errors) {
  validate_amounts(quota.status().hard(), FieldPath("status.hard"), errors);
  validate_amounts(quota.status().used(), FieldPath("status.used"), errors);
}

}  // namespace tiphys::apiserver
