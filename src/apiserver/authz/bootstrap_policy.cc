#include "apiserver/authz/bootstrap_policy.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/rbac_v1.h"

namespace tiphys::apiserver {
namespace {

using rbac_v1::ClusterRole;
using rbac_v1::ClusterRoleBinding;
using rbac_v1::ClusterRoleBindingEdit;
using rbac_v1::ClusterRoleEdit;
using rbac_v1::PolicyRuleEdit;
using rbac_v1::RoleBindingEdit;
using rbac_v1::RoleEdit;
using rbac_v1::SubjectEdit;

constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";
constexpr std::string_view kAutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";
constexpr std::string_view kLabel = "kubernetes.io/bootstrapping";
constexpr std::string_view kLabelValue = "rbac-defaults";
constexpr std::string_view kAggregate = "rbac.authorization.k8s.io/aggregate-to-";
constexpr std::string_view kControllerPrefix = "system:controller:";
constexpr std::string_view kSystemNamespace = "kube-system";

std::string_view text_of(const Value& map, std::string_view key) {
  return map.as_node().find(key).as_text();
}

std::span<const Value> items_of(const Value& map, std::string_view key) {
  const Value& list = map.as_node().find(key);
  return list.type == ValueType::kList ? list.as_node().items() : std::span<const Value>();
}

void add_words(std::string_view words, ListEdit<std::string_view> list) {
  for (std::string_view word : split(words, ' ')) list.append(word == "core" ? "" : word);
}

void add_rules(const Value& role, ListEdit<PolicyRuleEdit> rules) {
  for (const Value& item : items_of(role, "rules")) {
    PolicyRuleEdit rule = rules.append();
    add_words(text_of(item, "verbs"), rule.edit_verbs());
    if (std::string_view urls = text_of(item, "urls"); !urls.empty()) {
      add_words(urls, rule.edit_non_resource_urls());
      continue;
    }
    add_words(text_of(item, "groups"), rule.edit_api_groups());
    add_words(text_of(item, "resources"), rule.edit_resources());
    std::string_view names = text_of(item, "names");
    if (!names.empty()) add_words(names, rule.edit_resource_names());
  }
}

void set_metadata(meta_v1::ObjectMetaEdit metadata, std::string_view ns, std::string_view name) {
  metadata.set_name(name);
  if (!ns.empty()) metadata.set_namespace(ns);
  metadata.edit_labels().set(kLabel, kLabelValue);
  metadata.edit_annotations().set(kAutoUpdate, "true");
}

ObjectPtr cluster_role(const Value& item, std::string_view prefix) {
  Draft draft = ClusterRole::make();
  ClusterRoleEdit role(draft);
  set_metadata(role.edit_metadata(), "", std::string(prefix).append(text_of(item, "name")));
  if (std::string_view to = text_of(item, "aggregateTo"); !to.empty()) {
    role.edit_metadata().edit_labels().set(std::string(kAggregate).append(to), "true");
  }
  if (std::string_view from = text_of(item, "aggregates"); !from.empty()) {
    auto selector = role.edit_aggregation_rule().edit_cluster_role_selectors().append();
    selector.edit_match_labels().set(std::string(kAggregate).append(from), "true");
  }
  add_rules(item, role.edit_rules());
  return draft.freeze();
}

bool add_subject(std::string_view text, ListEdit<SubjectEdit> subjects) {
  size_t colon = text.find(':');
  if (colon == text.npos) return false;
  std::string_view kind = text.substr(0, colon);
  std::string_view name = text.substr(colon + 1);
  SubjectEdit subject = subjects.append();
  subject.set_kind(kind);
  if (kind != "ServiceAccount") {
    subject.set_api_group(kRbacGroup);
    subject.set_name(name);
    return true;
  }
  size_t slash = name.find('/');
  if (slash == name.npos) return false;
  subject.set_name(name.substr(slash + 1));
  subject.set_namespace(name.substr(0, slash));
  return true;
}

template <class BindingEdit>
bool fill_binding(BindingEdit binding, const Value& item, std::string_view role_kind) {
  set_metadata(binding.edit_metadata(), text_of(item, "namespace"), text_of(item, "name"));
  auto role = binding.edit_role_ref();
  role.set_api_group(kRbacGroup);
  role.set_kind(role_kind);
  role.set_name(text_of(item, "role"));
  for (const Value& subject : items_of(item, "subjects")) {
    if (!add_subject(subject.as_text(), binding.edit_subjects())) return false;
  }
  return true;
}

ObjectPtr controller_binding(std::string_view controller) {
  Draft draft = ClusterRoleBinding::make();
  ClusterRoleBindingEdit binding(draft);
  std::string name = std::string(kControllerPrefix).append(controller);
  set_metadata(binding.edit_metadata(), "", name);
  auto role = binding.edit_role_ref();
  role.set_api_group(kRbacGroup);
  role.set_kind("ClusterRole");
  role.set_name(name);
  SubjectEdit subject = binding.edit_subjects().append();
  subject.set_kind("ServiceAccount");
  subject.set_name(controller);
  subject.set_namespace(kSystemNamespace);
  return draft.freeze();
}

bool add_bindings(const Value& root, BootstrapPolicy& policy) {
  for (const Value& item : items_of(root, "clusterRoleBindings")) {
    Draft draft = ClusterRoleBinding::make();
    if (!fill_binding(ClusterRoleBindingEdit(draft), item, "ClusterRole")) return false;
    policy.cluster_role_bindings.push_back(draft.freeze());
  }
  for (const Value& item : items_of(root, "roleBindings")) {
    Draft draft = rbac_v1::RoleBinding::make();
    if (!fill_binding(RoleBindingEdit(draft), item, "Role")) return false;
    policy.role_bindings.push_back(draft.freeze());
  }
  return true;
}

// Fills in the rules of roles that gather others, as the aggregation controller will.
void aggregate(std::vector<ObjectPtr>& roles) {
  std::vector<ObjectPtr*> sorted;
  for (ObjectPtr& role : roles) sorted.push_back(&role);
  std::sort(sorted.begin(), sorted.end(), [](const ObjectPtr* a, const ObjectPtr* b) {
    return ClusterRole(**a).metadata().name() < ClusterRole(**b).metadata().name();
  });
  // A gathering role may be gathered itself: view into edit into admin.
  for (int pass = 0; pass < 3; pass++) {
    for (ObjectPtr& role : roles) {
      auto selectors = ClusterRole(*role).aggregation_rule().cluster_role_selectors();
      if (selectors.empty()) continue;
      auto wanted = *selectors[0].match_labels().begin();
      Draft draft(*role);
      ClusterRoleEdit edit(draft);
      edit.clear_rules();
      for (const ObjectPtr* other : sorted) {
        ClusterRole source(**other);
        if (source.metadata().labels().find(wanted.key) != wanted.value) continue;
        for (const auto& rule : source.rules()) edit.edit_rules().append(rule);
      }
      role = draft.freeze();
    }
  }
}

}  // namespace

ObjectPtr BootstrapPolicy::find_cluster_role(std::string_view name) const {
  for (const ObjectPtr& role : cluster_roles) {
    if (ClusterRole(*role).metadata().name() == name) return role;
  }
  return nullptr;
}

Result<BootstrapPolicy> load_bootstrap_policy() {
  return parse_bootstrap_policy(kBootstrapPolicyJson);
}

Result<BootstrapPolicy> parse_bootstrap_policy(std::string_view json) {
  Arena arena;
  TIPHYS_TRY(Value, root, codec::decode_json_any(json, arena));
  if (root.type != ValueType::kMap) return ApiStatus::internal("bootstrap policy: not an object");
  BootstrapPolicy policy;
  for (const Value& item : items_of(root, "clusterRoles")) {
    policy.cluster_roles.push_back(cluster_role(item, ""));
  }
  aggregate(policy.cluster_roles);
  if (!add_bindings(root, policy)) return ApiStatus::internal("bootstrap policy: bad subject");
  for (const Value& item : items_of(root, "controllerRoles")) {
    policy.cluster_roles.push_back(cluster_role(item, kControllerPrefix));
    policy.cluster_role_bindings.push_back(controller_binding(text_of(item, "name")));
  }
  for (const Value& item : items_of(root, "roles")) {
    Draft draft = rbac_v1::Role::make();
    RoleEdit role(draft);
    set_metadata(role.edit_metadata(), text_of(item, "namespace"), text_of(item, "name"));
    add_rules(item, role.edit_rules());
    policy.roles.push_back(draft.freeze());
  }
  return policy;
}

}  // namespace tiphys::apiserver
