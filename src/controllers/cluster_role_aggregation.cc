#include "controllers/cluster_role_aggregation.h"

#include <algorithm>

#include "base/log.h"
#include "controllers/resources.h"
#include "kinds/label_selector.h"
#include "kinds/rbac_v1.h"

namespace tiphys::controllers {

namespace {

using rbac_v1::ClusterRole;
using rbac_v1::PolicyRule;

constexpr int kWorkers = 5;

bool same(const std::vector<PolicyRule>& a, const ListView<PolicyRule>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const PolicyRule& x, const PolicyRule& y) { return equal(x, y); });
}

void add_rules(const ClusterRole& role, std::vector<PolicyRule>& rules) {
  for (const PolicyRule& rule : role.rules()) {
    bool known = std::any_of(rules.begin(), rules.end(),
                             [&](const PolicyRule& other) { return equal(rule, other); });
    if (!known) rules.push_back(rule);
  }
}

// Views into the roles.
std::vector<PolicyRule> gathered(const ClusterRole& role, const std::vector<ObjectPtr>& all) {
  std::vector<PolicyRule> rules;
  for (const auto& wanted : role.aggregation_rule().cluster_role_selectors()) {
    Result<LabelSelector> selector = to_selector(wanted);
    if (!selector) {
      LOG_V(2, "Bad aggregation rule", {"role", role.metadata().name()}, {"err", selector.error()});
      continue;
    }
    for (const ObjectPtr& object : all) {
      ClusterRole other(*object);
      if (other.metadata().name() == role.metadata().name()) continue;
      if (selector->matches(other.metadata().labels().node())) add_rules(other, rules);
    }
  }
  return rules;
}

}  // namespace

ClusterRoleAggregation::ClusterRoleAggregation(Context context)
    : Controller(context, "clusterrole-aggregation-controller", kWorkers),
      roles_(watch(cluster_roles())) {
  // Whatever changed, it may be selected anywhere.
  roles_.add_handler([this](const ObjectPtr&, const ObjectPtr&) {
    for (const ObjectPtr& role : roles_.list()) {
      if (ClusterRole(*role).has_aggregation_rule()) enqueue(*role);
    }
  });
}

Decision ClusterRoleAggregation::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr object = roles_.get("", key);
  if (!object || !ClusterRole(*object).has_aggregation_rule()) return decision;
  ClusterRole role(*object);
  std::vector<ObjectPtr> all = roles_.list();
  std::vector<PolicyRule> rules = gathered(role, all);
  if (same(rules, role.rules())) return decision;
  Draft draft(*object);
  rbac_v1::ClusterRoleEdit edit(draft);
  edit.clear_rules();
  auto list = edit.edit_rules();
  for (const PolicyRule& rule : rules) list.append(rule);
  decision.add(update_action(cluster_roles(), draft.freeze()));
  return decision;
}

}  // namespace tiphys::controllers
