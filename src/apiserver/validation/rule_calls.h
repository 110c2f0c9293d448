// The functions that `call` rows of api/v1.35/validation.json name: what no row can say. Pure.
// One source file an API group; rule_tables.cc has their names. Each reports upstream's errors of
// the value it gets (see the Validate* functions of pkg/apis/<group>/validation).
#pragma once
#include "apiserver/validation/rules.h"

namespace tiphys::apiserver {

// rule_calls.cc: of several groups
void call_label_selector(const RuleInput& input, FieldErrors& errors);

// rbac.cc
void call_policy_rule(const RuleInput& input, FieldErrors& errors);
void call_cluster_subjects(const RuleInput& input, FieldErrors& errors);

// scheduling.cc
void call_priority_value(const RuleInput& input, FieldErrors& errors);
void call_priority_value_kept(const RuleInput& input, FieldErrors& errors);

}  // namespace tiphys::apiserver
