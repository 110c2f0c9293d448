#include "apiserver/audit/policy.h"

#include <algorithm>

namespace tiphys::apiserver::audit {
namespace {

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

bool path_matches(std::string_view path, std::string_view spec) {
  if (spec == "*" || spec == path) return true;
  if (!spec.ends_with('*')) return false;
  return path.starts_with(spec.substr(0, spec.find_last_not_of('*') + 1));
}

bool matches_url(const PolicyRule& rule, const Attributes& attributes) {
  if (attributes.is_resource) return false;
  return std::ranges::any_of(rule.non_resource_urls, [&](const std::string& spec) {
    return path_matches(attributes.path, spec);
  });
}

bool resource_matches(std::string_view spec, const Attributes& attributes) {
  if (spec == "*") return true;
  const std::string& sub = attributes.subresource;
  if (spec.starts_with("*/") && !sub.empty() && spec.substr(2) == sub) return true;
  if (spec.ends_with("/*") && spec.substr(0, spec.size() - 2) == attributes.resource) return true;
  if (sub.empty()) return spec == attributes.resource;
  return spec.size() == attributes.resource.size() + 1 + sub.size() &&
         spec.starts_with(attributes.resource) && spec[attributes.resource.size()] == '/' &&
         spec.ends_with(sub);
}

bool matches_group(const GroupResources& wanted, const Attributes& attributes) {
  if (wanted.group != attributes.group) return false;
  if (wanted.resources.empty()) return true;
  if (!wanted.resource_names.empty() && !has(wanted.resource_names, attributes.name)) return false;
  return std::ranges::any_of(wanted.resources, [&](const std::string& spec) {
    return resource_matches(spec, attributes);
  });
}

bool matches_resource(const PolicyRule& rule, const Attributes& attributes) {
  if (!attributes.is_resource) return false;
  if (!rule.namespaces.empty() && !has(rule.namespaces, attributes.ns)) return false;
  if (rule.resources.empty()) return true;
  return std::ranges::any_of(rule.resources, [&](const GroupResources& wanted) {
    return matches_group(wanted, attributes);
  });
}

bool matches(const PolicyRule& rule, const UserInfo& user, const Attributes& attributes) {
  if (!rule.users.empty() && !has(rule.users, user.name)) return false;
  auto wanted = [&](const std::string& group) { return has(rule.user_groups, group); };
  if (!rule.user_groups.empty() && !std::ranges::any_of(user.groups, wanted)) return false;
  if (!rule.verbs.empty() && !has(rule.verbs, attributes.verb)) return false;
  if (!rule.namespaces.empty() || !rule.resources.empty()) {
    return matches_resource(rule, attributes);
  }
  return rule.non_resource_urls.empty() || matches_url(rule, attributes);
}

}  // namespace

RequestConfig evaluate(const Policy& policy, const UserInfo& user, const Attributes& attributes) {
  RequestConfig config{.omit_stages = policy.omit_stages,
                       .omit_managed_fields = policy.omit_managed_fields};
  for (const PolicyRule& rule : policy.rules) {
    if (!matches(rule, user, attributes)) continue;
    config.level = rule.level;
    config.omit_stages.add(rule.omit_stages);
    config.omit_managed_fields = rule.omit_managed_fields.value_or(policy.omit_managed_fields);
    break;
  }
  return config;
}

}  // namespace tiphys::apiserver::audit
