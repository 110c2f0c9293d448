// Matching of RBAC rules. Pure; works on the stored objects themselves, nothing is copied.
// Upstream: pkg/apis/rbac/v1/evaluation_helpers.go,
// pkg/registry/rbac/validation/policy_comparator.go.
#pragma once
#include <string>
#include <vector>

#include "apiserver/user.h"
#include "kinds/rbac_v1.h"

namespace tiphys::apiserver {

bool rule_allows(const rbac_v1::PolicyRule& rule, const Attributes& attributes);

// Rule: a rule as a value, for comparisons.
struct Rule {
  std::vector<std::string> verbs;
  std::vector<std::string> groups;
  std::vector<std::string> resources;
  std::vector<std::string> names;
  std::vector<std::string> urls;
  static Rule of(const rbac_v1::PolicyRule& rule);
  bool operator==(const Rule&) const = default;
  // As Go prints a rule in escalation errors: {APIGroups:[""], Resources:["pods"], Verbs:["get"
  // "list"]}.
  std::string text() const;
};

// Takes rules apart so that each has at most one verb, group, resource, name, URL.
std::vector<Rule> break_down(const Rule& rule);
// Whether everything that `wanted` allows is allowed by `owned`; what is not goes to `missing`.
bool covers(const std::vector<Rule>& owned, const std::vector<Rule>& wanted,
            std::vector<Rule>* missing);
// Joins rules on one resource that differ only in their verbs (SelfSubjectRulesReview, messages).
std::vector<Rule> compact(const std::vector<Rule>& rules);

}  // namespace tiphys::apiserver
