#include "apiserver/authz/rbac.h"

#include "apiserver/authn/service_account_claims.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

using rbac_v1::ClusterRole;
using rbac_v1::ClusterRoleBinding;
using rbac_v1::Role;
using rbac_v1::RoleBinding;

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

std::string role_key(std::string_view ns, std::string_view name) {
  return ns.empty() ? std::string(name) : std::string(ns).append("/").append(name);
}

// The key that a subject is found under; "" for one that matches nobody. A service account is found
// under its user name.
std::string subject_key(const rbac_v1::Subject& subject, std::string_view binding_ns) {
  if (subject.kind() == "User") return "U" + std::string(subject.name());
  if (subject.kind() == "Group") return "G" + std::string(subject.name());
  if (subject.kind() != "ServiceAccount") return {};
  std::string_view ns = subject.namespace_().empty() ? binding_ns : subject.namespace_();
  return ns.empty() ? std::string() : "U" + service_account_username(ns, subject.name());
}

std::string described(const std::string& subject) {
  std::string name = go_quote(std::string_view(subject).substr(1));
  std::string_view ns;
  std::string_view account;
  if (subject[0] == 'G') return "Group " + name;
  if (!split_service_account_username(std::string_view(subject).substr(1), ns, account)) {
    return "User " + name;
  }
  return "ServiceAccount " + go_quote(std::string(account) + "/" + std::string(ns));
}

std::string not_found(std::string_view kind, std::string_view name) {
  return to_lower(kind) + "." + std::string(kGroup) + " " + go_quote(name) + " not found";
}

std::string aggregate(const std::vector<std::string>& errors) {
  std::vector<std::string> distinct;
  for (const std::string& error : errors) {
    if (std::find(distinct.begin(), distinct.end(), error) == distinct.end()) {
      distinct.push_back(error);
    }
  }
  return distinct.size() == 1 ? distinct[0] : "[" + join(distinct, ", ") + "]";
}

}  // namespace

RbacAuthorizer::RbacAuthorizer(Lookup& lookup) {
  lookup.on_change(kGroup, "clusterroles", [this](const ObjectPtr& old, const ObjectPtr& now) {
    change_role(true, old, now);
  });
  lookup.on_change(kGroup, "roles", [this](const ObjectPtr& old, const ObjectPtr& now) {
    change_role(false, old, now);
  });
  lookup.on_change(
      kGroup, "clusterrolebindings",
      [this](const ObjectPtr& old, const ObjectPtr& now) { change_binding(true, old, now); });
  lookup.on_change(kGroup, "rolebindings", [this](const ObjectPtr& old, const ObjectPtr& now) {
    change_binding(false, old, now);
  });
}

void RbacAuthorizer::change_role(bool cluster, const ObjectPtr& old, const ObjectPtr& now) {
  const Object& any = now ? *now : *old;
  meta_v1::ObjectMeta metadata = cluster ? ClusterRole(any).metadata() : Role(any).metadata();
  std::string key = role_key(cluster ? std::string_view() : metadata.namespace_(), metadata.name());
  if (now) {
    roles_[key] = now;
  } else {
    roles_.erase(key);
  }
}

void RbacAuthorizer::change_binding(bool cluster, const ObjectPtr& old, const ObjectPtr& now) {
  // Both kinds have the same fields in the same places; the views check the types.
  auto subjects_of = [&](const Object& object) {
    return cluster ? ClusterRoleBinding(object).subjects() : RoleBinding(object).subjects();
  };
  auto metadata_of = [&](const Object& object) {
    return cluster ? ClusterRoleBinding(object).metadata() : RoleBinding(object).metadata();
  };
  std::string_view ns = cluster ? std::string_view() : metadata_of(now ? *now : *old).namespace_();
  std::string ns_key(ns);
  if (old) {
    std::string_view name = metadata_of(*old).name();
    SubjectIndex& index = cluster ? cluster_bindings_ : bindings_[ns_key];
    for (const auto& subject : subjects_of(*old)) {
      auto found = index.find(subject_key(subject, ns));
      if (found == index.end()) continue;
      std::erase_if(found->second, [&](const Binding& binding) { return binding.name == name; });
      if (found->second.empty()) index.erase(found);
    }
    if (!cluster && index.empty()) bindings_.erase(ns_key);
  }
  if (!now) return;
  SubjectIndex& index = cluster ? cluster_bindings_ : bindings_[ns_key];
  auto reference = cluster ? ClusterRoleBinding(*now).role_ref() : RoleBinding(*now).role_ref();
  Binding binding{now, cluster, ns, metadata_of(*now).name(), reference.kind(), reference.name()};
  for (const auto& subject : subjects_of(*now)) {
    std::string key = subject_key(subject, ns);
    if (key.empty()) continue;
    auto& list = index[key];
    // A subject may be named twice; one binding stands in a list once.
    if (list.empty() || list.back().object != now) list.push_back(binding);
  }
}

ObjectPtr RbacAuthorizer::find_role(std::string_view kind, std::string_view name,
                                    std::string_view ns) const {
  if (kind != "ClusterRole" && (kind != "Role" || ns.empty())) return nullptr;
  auto found = roles_.find(role_key(kind == "Role" ? ns : std::string_view(), name));
  return found == roles_.end() ? nullptr : found->second;
}

ListView<rbac_v1::PolicyRule> RbacAuthorizer::rules_of(const Object& role) {
  return &role.type() == &ClusterRole::message() ? ClusterRole(role).rules() : Role(role).rules();
}

bool RbacAuthorizer::visit_subject(const SubjectIndex& index, const std::string& subject,
                                   std::vector<std::string>* errors, const Visitor& visitor) const {
  auto found = index.find(subject);
  if (found == index.end()) return false;
  for (const Binding& binding : found->second) {
    ObjectPtr role = find_role(binding.role_kind, binding.role_name, binding.ns);
    if (!role) {
      if (errors) errors->push_back(not_found(binding.role_kind, binding.role_name));
      continue;
    }
    for (const auto& rule : rules_of(*role)) {
      if (visitor(binding, subject, rule)) return true;
    }
  }
  return false;
}

void RbacAuthorizer::visit(const UserInfo& user, std::string_view ns,
                           std::vector<std::string>* errors, const Visitor& visitor) const {
  std::vector<std::string> subjects{"U" + user.name};
  for (const std::string& group : user.groups) subjects.push_back("G" + group);
  for (const std::string& subject : subjects) {
    if (visit_subject(cluster_bindings_, subject, errors, visitor)) return;
  }
  if (ns.empty()) return;
  auto index = bindings_.find(std::string(ns));
  if (index == bindings_.end()) return;
  for (const std::string& subject : subjects) {
    if (visit_subject(index->second, subject, errors, visitor)) return;
  }
}

Verdict RbacAuthorizer::authorize(const UserInfo& user, const Attributes& attributes) {
  Verdict verdict;
  std::vector<std::string> errors;
  // A role in a namespace says nothing about paths, nor about cluster-scoped objects.
  std::string_view ns = attributes.is_resource ? std::string_view(attributes.ns) : "";
  visit(user, ns, &errors,
        [&](const Binding& binding, const std::string& subject, const rbac_v1::PolicyRule& rule) {
          if (!rule_allows(rule, attributes)) return false;
          verdict.decision = Decision::kAllow;
          std::string name = role_key(binding.ns.empty() ? "" : binding.name,
                                      binding.ns.empty() ? binding.name : binding.ns);
          verdict.reason = std::string("RBAC: allowed by ") +
                           (binding.cluster ? "ClusterRoleBinding " : "RoleBinding ") +
                           go_quote(name) + " of " + std::string(binding.role_kind) + " " +
                           go_quote(binding.role_name) + " to " + described(subject);
          return true;
        });
  if (verdict.decision != Decision::kAllow && !errors.empty()) {
    verdict.reason = "RBAC: " + aggregate(errors);
  }
  return verdict;
}

std::vector<Rule> RbacAuthorizer::rules_for(const UserInfo& user, std::string_view ns,
                                            std::vector<std::string>* errors) const {
  std::vector<Rule> rules;
  visit(user, ns, errors, [&](const Binding&, const std::string&, const rbac_v1::PolicyRule& rule) {
    rules.push_back(Rule::of(rule));
    return false;
  });
  return rules;
}

}  // namespace tiphys::apiserver
