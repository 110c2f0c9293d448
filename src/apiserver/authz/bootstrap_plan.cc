// plan_bootstrap: what stored objects lack of the bootstrap policy.
#include "apiserver/authz/bootstrap_policy.h"
#include "apiserver/authz/rule.h"
#include "kinds/rbac_v1.h"

namespace tiphys::apiserver {
namespace {

using rbac_v1::ClusterRole;
using rbac_v1::ClusterRoleBinding;
using rbac_v1::ClusterRoleBindingEdit;
using rbac_v1::ClusterRoleEdit;
using rbac_v1::Role;
using rbac_v1::RoleBinding;
using rbac_v1::RoleBindingEdit;
using rbac_v1::RoleEdit;

constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";
constexpr std::string_view kAutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

// Adds what is missing of a map of texts; present values stay.
template <class MapEditor>
bool add_entries(const MapView<std::string_view>& have, const MapView<std::string_view>& wanted,
                 MapEditor edit) {
  bool changed = false;
  for (const auto& entry : wanted) {
    if (have.contains(entry.key)) continue;
    edit.set(entry.key, entry.value);
    changed = true;
  }
  return changed;
}

template <class View, class Editor>
bool add_metadata(const View& have, const View& wanted, Editor& edit) {
  bool labels = add_entries(have.metadata().labels(), wanted.metadata().labels(),
                            edit.edit_metadata().edit_labels());
  bool annotations = add_entries(have.metadata().annotations(), wanted.metadata().annotations(),
                                 edit.edit_metadata().edit_annotations());
  return labels || annotations;
}

template <class View>
std::vector<Rule> rules_of(const View& role) {
  std::vector<Rule> rules;
  for (const auto& rule : role.rules()) rules.push_back(Rule::of(rule));
  return rules;
}

template <class View, class Editor>
bool add_rules(const View& have, const View& wanted, Editor& edit) {
  std::vector<Rule> owned = rules_of(have);
  bool changed = false;
  for (const auto& rule : wanted.rules()) {
    if (covers(owned, {Rule::of(rule)}, nullptr)) continue;
    edit.edit_rules().append(rule);
    changed = true;
  }
  return changed;
}

bool same(const rbac_v1::Subject& a, const rbac_v1::Subject& b) {
  return a.kind() == b.kind() && a.name() == b.name() && a.namespace_() == b.namespace_();
}

template <class View, class Editor>
bool add_subjects(const View& have, const View& wanted, Editor& edit) {
  bool changed = false;
  for (const auto& subject : wanted.subjects()) {
    bool present = false;
    for (const auto& other : have.subjects()) present = present || same(subject, other);
    if (present) continue;
    edit.edit_subjects().append(subject);
    changed = true;
  }
  return changed;
}

template <class View, class Editor>
ObjectPtr missing_in_role(const Object& stored, const Object& expected) {
  View have(stored);
  View wanted(expected);
  Draft draft(stored);
  Editor edit(draft);
  bool changed = add_metadata(have, wanted, edit);
  // The rules of a gathering role are its controller's.
  bool gathers = false;
  if constexpr (std::is_same_v<View, ClusterRole>) {
    gathers = wanted.has_aggregation_rule();
    if (gathers && !have.has_aggregation_rule()) {
      edit.set_aggregation_rule(wanted.aggregation_rule());
      changed = true;
    }
  }
  if (!gathers || have.rules().empty()) changed = add_rules(have, wanted, edit) || changed;
  return changed ? draft.freeze() : nullptr;
}

template <class View, class Editor>
ObjectPtr missing_in_binding(const Object& stored, const Object& expected) {
  View have(stored);
  View wanted(expected);
  if (have.role_ref().name() != wanted.role_ref().name() ||
      have.role_ref().kind() != wanted.role_ref().kind()) {
    return nullptr;
  }
  Draft draft(stored);
  Editor edit(draft);
  bool metadata = add_metadata(have, wanted, edit);
  bool subjects = add_subjects(have, wanted, edit);
  return metadata || subjects ? draft.freeze() : nullptr;
}

struct Kind {
  std::string_view group;
  std::string_view version;
  std::string_view resource;
  ObjectPtr (*missing)(const Object& stored, const Object& expected);
};

meta_v1::ObjectMeta metadata_of(const Object& object) {
  return meta_v1::ObjectMeta(
      object.root().field(static_cast<uint16_t>(object.type().metadata_field)).as_node());
}

void plan(const Kind& kind, const std::vector<ObjectPtr>& expected, const Lookup& lookup,
          std::vector<BootstrapAction>& actions) {
  for (const ObjectPtr& object : expected) {
    meta_v1::ObjectMeta metadata = metadata_of(*object);
    ObjectPtr stored =
        lookup.get(kind.group, kind.resource, metadata.namespace_(), metadata.name());
    if (!stored) {
      actions.push_back({true, kind.group, kind.version, kind.resource, object});
      continue;
    }
    bool keep = metadata_of(*stored).annotations().find(kAutoUpdate) == "false";
    if (keep) continue;
    ObjectPtr updated = kind.missing(*stored, *object);
    if (updated) actions.push_back({false, kind.group, kind.version, kind.resource, updated});
  }
}

}  // namespace

std::vector<BootstrapAction> plan_bootstrap(const BootstrapPolicy& policy, const Lookup& lookup) {
  std::vector<BootstrapAction> actions;
  plan({kRbacGroup, "v1", "clusterroles", missing_in_role<ClusterRole, ClusterRoleEdit>},
       policy.cluster_roles, lookup, actions);
  plan({kRbacGroup, "v1", "clusterrolebindings",
        missing_in_binding<ClusterRoleBinding, ClusterRoleBindingEdit>},
       policy.cluster_role_bindings, lookup, actions);
  plan({kRbacGroup, "v1", "roles", missing_in_role<Role, RoleEdit>}, policy.roles, lookup, actions);
  plan({kRbacGroup, "v1", "rolebindings", missing_in_binding<RoleBinding, RoleBindingEdit>},
       policy.role_bindings, lookup, actions);
  return actions;
}

}  // namespace tiphys::apiserver
