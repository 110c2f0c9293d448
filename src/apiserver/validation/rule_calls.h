// The functions that `call` rows of api/v1.35/validation.json name: what no row can say. Pure.
// One source file an API group; rule_tables.cc has their names. Each reports upstream's errors of
// the value it gets (see the Validate* functions of pkg/apis/<group>/validation).
#pragma once
#include "apiserver/validation/rules.h"

namespace tiphys::apiserver {

// rule_calls.cc: of several groups
void call_label_selector(const RuleInput& input, FieldErrors& errors);

// volume_calls.cc, projected_volume.cc: sources of volumes, paths, actions of handlers
void call_absolute_path(const RuleInput& input, FieldErrors& errors);
void call_azure_disk_uri(const RuleInput& input, FieldErrors& errors);
void call_claim_template(const RuleInput& input, FieldErrors& errors);
void call_csi_driver_name(const RuleInput& input, FieldErrors& errors);
void call_csi_secret(const RuleInput& input, FieldErrors& errors);
void call_downward_files(const RuleInput& input, FieldErrors& errors);
void call_empty_dir_size(const RuleInput& input, FieldErrors& errors);
void call_fc(const RuleInput& input, FieldErrors& errors);
void call_flex_options(const RuleInput& input, FieldErrors& errors);
void call_flocker(const RuleInput& input, FieldErrors& errors);
void call_http_headers(const RuleInput& input, FieldErrors& errors);
void call_iscsi(const RuleInput& input, FieldErrors& errors);
void call_local_path(const RuleInput& input, FieldErrors& errors);
void call_no_backsteps(const RuleInput& input, FieldErrors& errors);
void call_persistent_iscsi(const RuleInput& input, FieldErrors& errors);
void call_port_reference(const RuleInput& input, FieldErrors& errors);
void call_quobyte(const RuleInput& input, FieldErrors& errors);
void call_relative_path(const RuleInput& input, FieldErrors& errors);
void call_set_not_empty(const RuleInput& input, FieldErrors& errors);

// workload_calls.cc: counts in statuses
void call_not_decremented(const RuleInput& input, FieldErrors& errors);
void call_within_ready_replicas(const RuleInput& input, FieldErrors& errors);
void call_within_status_ready_replicas(const RuleInput& input, FieldErrors& errors);
void call_within_status_replicas(const RuleInput& input, FieldErrors& errors);

// endpoints_calls.cc
void call_endpoint_ip(const RuleInput& input, FieldErrors& errors);
void call_endpoint_subset(const RuleInput& input, FieldErrors& errors);

// rbac.cc
void call_policy_rule(const RuleInput& input, FieldErrors& errors);
void call_cluster_subjects(const RuleInput& input, FieldErrors& errors);

// scheduling.cc
void call_priority_value(const RuleInput& input, FieldErrors& errors);
void call_priority_value_kept(const RuleInput& input, FieldErrors& errors);

}  // namespace tiphys::apiserver
