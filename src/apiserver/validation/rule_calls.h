// The functions that `call` rows of api/v1.35/validation.json name: what no row can say. Pure.
// One source file an API group; rule_tables.cc has their names. Each reports upstream's errors of
// the value it gets (see the Validate* functions of pkg/apis/<group>/validation).
#pragma once
#include "apiserver/validation/rules.h"

namespace tiphys::apiserver {

// rule_calls.cc: of several groups
void call_label_selector(const RuleInput& input, FieldErrors& errors);
void call_aggregation_selector(const RuleInput& input, FieldErrors& errors);
void call_labels(const RuleInput& input, FieldErrors& errors);
void call_runtime_overhead(const RuleInput& input, FieldErrors& errors);
void call_runtime_tolerations(const RuleInput& input, FieldErrors& errors);
void call_pod_template(const RuleInput& input, FieldErrors& errors);
void call_domain_prefixed_path(const RuleInput& input, FieldErrors& errors);
void call_unique_items(const RuleInput& input, FieldErrors& errors);  // detail: the key field
void call_extended_resource_name(const RuleInput& input, FieldErrors& errors);
void call_interface_address(const RuleInput& input, FieldErrors& errors);
void call_template_metadata(const RuleInput& input, FieldErrors& errors);

// rbac.cc
void call_policy_rule(const RuleInput& input, FieldErrors& errors);
void call_cluster_subjects(const RuleInput& input, FieldErrors& errors);

// scheduling.cc
void call_priority_value(const RuleInput& input, FieldErrors& errors);

// job.cc
void call_job_generated_selector(const RuleInput& input, FieldErrors& errors);
void call_job_template_labels(const RuleInput& input, FieldErrors& errors);
void call_job_pod_hostname(const RuleInput& input, FieldErrors& errors);
void call_job_indexed(const RuleInput& input, FieldErrors& errors);
void call_job_fail_index(const RuleInput& input, FieldErrors& errors);
void call_job_container_name(const RuleInput& input, FieldErrors& errors);
void call_job_exit_codes(const RuleInput& input, FieldErrors& errors);
void call_job_success_rule(const RuleInput& input, FieldErrors& errors);
void call_job_restart_policy(const RuleInput& input, FieldErrors& errors);
void call_job_completions(const RuleInput& input, FieldErrors& errors);
void call_job_template_kept(const RuleInput& input, FieldErrors& errors);

// job_status.cc
void call_job_status(const RuleInput& input, FieldErrors& errors);

// cron_job.cc
void call_cron_schedule(const RuleInput& input, FieldErrors& errors);
void call_cron_time_zone(const RuleInput& input, FieldErrors& errors);
void call_cron_job_name(const RuleInput& input, FieldErrors& errors);
void call_manual_selector_unsupported(const RuleInput& input, FieldErrors& errors);

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
void call_container_resource_name(const RuleInput& input, FieldErrors& errors);
void call_no_backsteps(const RuleInput& input, FieldErrors& errors);
void call_persistent_iscsi(const RuleInput& input, FieldErrors& errors);
void call_port_reference(const RuleInput& input, FieldErrors& errors);
void call_quobyte(const RuleInput& input, FieldErrors& errors);
void call_relative_path(const RuleInput& input, FieldErrors& errors);
void call_set_not_empty(const RuleInput& input, FieldErrors& errors);

// workload.cc
void call_daemon_set_strategy(const RuleInput& input, FieldErrors& errors);
void call_daemon_set_template(const RuleInput& input, FieldErrors& errors);
void call_deployment_strategy(const RuleInput& input, FieldErrors& errors);
void call_deployment_template(const RuleInput& input, FieldErrors& errors);
void call_progress_deadline(const RuleInput& input, FieldErrors& errors);
void call_replica_set_template(const RuleInput& input, FieldErrors& errors);

// stateful_set.cc
void call_claim_templates(const RuleInput& input, FieldErrors& errors);
void call_stateful_set_kept(const RuleInput& input, FieldErrors& errors);
void call_stateful_set_strategy(const RuleInput& input, FieldErrors& errors);
void call_stateful_set_template(const RuleInput& input, FieldErrors& errors);

// controller_revision.cc
void call_revision_data(const RuleInput& input, FieldErrors& errors);

// workload_calls.cc: counts in statuses
void call_not_decremented(const RuleInput& input, FieldErrors& errors);
void call_within_ready_replicas(const RuleInput& input, FieldErrors& errors);
void call_within_status_ready_replicas(const RuleInput& input, FieldErrors& errors);
void call_within_status_replicas(const RuleInput& input, FieldErrors& errors);

// endpoints_calls.cc
void call_endpoint_ip(const RuleInput& input, FieldErrors& errors);
void call_endpoint_port_names(const RuleInput& input, FieldErrors& errors);
void call_endpoint_subset(const RuleInput& input, FieldErrors& errors);

// autoscaling.cc
void call_hpa_max_replicas(const RuleInput& input, FieldErrors& errors);
void call_hpa_zero_metrics(const RuleInput& input, FieldErrors& errors);
void call_hpa_metric_sources(const RuleInput& input, FieldErrors& errors);
void call_positive_quantity(const RuleInput& input, FieldErrors& errors);
void call_non_negative_quantity(const RuleInput& input, FieldErrors& errors);
void call_hpa_described_object(const RuleInput& input, FieldErrors& errors);
void call_hpa_scale_target(const RuleInput& input, FieldErrors& errors);

// int_or_percent.cc
void call_int_or_percent(const RuleInput& input, FieldErrors& errors);

// networking.cc
void call_network_policy_port(const RuleInput& input, FieldErrors& errors);
void call_ip_block(const RuleInput& input, FieldErrors& errors);
void call_policy_types(const RuleInput& input, FieldErrors& errors);
void call_service_cidrs(const RuleInput& input, FieldErrors& errors);
void call_service_cidrs_kept(const RuleInput& input, FieldErrors& errors);

// ingress.cc
void call_ingress_backends(const RuleInput& input, FieldErrors& errors);
void call_ingress_rules(const RuleInput& input, FieldErrors& errors);
void call_ingress_tls(const RuleInput& input, FieldErrors& errors);
void call_ingress_class_annotation(const RuleInput& input, FieldErrors& errors);
void call_not_an_ip(const RuleInput& input, FieldErrors& errors);

// discovery.cc
void call_endpoint_address(const RuleInput& input, FieldErrors& errors);
void call_endpoint_zone_hints(const RuleInput& input, FieldErrors& errors);
void call_endpoint_node_hints(const RuleInput& input, FieldErrors& errors);

// storage.cc
void call_provisioner(const RuleInput& input, FieldErrors& errors);
void call_storage_parameters(const RuleInput& input, FieldErrors& errors);
void call_attachment_source(const RuleInput& input, FieldErrors& errors);
void call_attachment_metadata(const RuleInput& input, FieldErrors& errors);
void call_volume_error_message(const RuleInput& input, FieldErrors& errors);
void call_csi_node_id(const RuleInput& input, FieldErrors& errors);
void call_csi_driver_once(const RuleInput& input, FieldErrors& errors);
void call_csi_topology_keys(const RuleInput& input, FieldErrors& errors);
void call_csi_drivers_kept(const RuleInput& input, FieldErrors& errors);
void call_attach_required_kept(const RuleInput& input, FieldErrors& errors);
void call_token_requests(const RuleInput& input, FieldErrors& errors);
void call_lifecycle_modes(const RuleInput& input, FieldErrors& errors);
void call_allowed_topologies(const RuleInput& input, FieldErrors& errors);

// webhooks.cc
void call_fully_qualified_name(const RuleInput& input, FieldErrors& errors);
void call_webhook_url(const RuleInput& input, FieldErrors& errors);
void call_webhook_service(const RuleInput& input, FieldErrors& errors);
void call_webhook_service_path(const RuleInput& input, FieldErrors& errors);
void call_service_port(const RuleInput& input, FieldErrors& errors);
void call_side_effects(const RuleInput& input, FieldErrors& errors);
void call_review_versions(const RuleInput& input, FieldErrors& errors);
void call_webhook_name_once(const RuleInput& input, FieldErrors& errors);
void call_lone_wildcard(const RuleInput& input, FieldErrors& errors);
void call_rule_resources(const RuleInput& input, FieldErrors& errors);
void call_deny_and_warn(const RuleInput& input, FieldErrors& errors);
void call_not_blank(const RuleInput& input, FieldErrors& errors);
void call_blank(const RuleInput& input, FieldErrors& errors);
void call_one_line(const RuleInput& input, FieldErrors& errors);
void call_cel_identifier(const RuleInput& input, FieldErrors& errors);
void call_audit_annotation_key(const RuleInput& input, FieldErrors& errors);
void call_audit_annotation_count(const RuleInput& input, FieldErrors& errors);
void call_param_api_version(const RuleInput& input, FieldErrors& errors);
void call_param_kind(const RuleInput& input, FieldErrors& errors);

// device_expressions.cc
void call_device_expression(const RuleInput& input, FieldErrors& errors);

// policy_calls.cc
void call_match_condition_expression(const RuleInput& input, FieldErrors& errors);
void call_variable_expression(const RuleInput& input, FieldErrors& errors);
void call_validation_expression(const RuleInput& input, FieldErrors& errors);
void call_message_expression(const RuleInput& input, FieldErrors& errors);
void call_audit_annotation_value(const RuleInput& input, FieldErrors& errors);

// certificates.cc
void call_certificate_request(const RuleInput& input, FieldErrors& errors);
void call_signer_name(const RuleInput& input, FieldErrors& errors);

// flow_control.cc
void call_flow_verbs(const RuleInput& input, FieldErrors& errors);
void call_flow_urls(const RuleInput& input, FieldErrors& errors);
void call_flow_namespaces(const RuleInput& input, FieldErrors& errors);
void call_flow_precedence(const RuleInput& input, FieldErrors& errors);
void call_priority_level_type(const RuleInput& input, FieldErrors& errors);
void call_mandatory_flow_schema(const RuleInput& input, FieldErrors& errors);
void call_mandatory_priority_level(const RuleInput& input, FieldErrors& errors);
void call_hand_size(const RuleInput& input, FieldErrors& errors);

// device_names.cc
void call_counter_names(const RuleInput& input, FieldErrors& errors);
void call_pool_name(const RuleInput& input, FieldErrors& errors);

// device_claim.cc
void call_device_constraints(const RuleInput& input, FieldErrors& errors);
void call_device_claim_config(const RuleInput& input, FieldErrors& errors);
void call_device_class_config(const RuleInput& input, FieldErrors& errors);

// device_allocation.cc
void call_allocated_devices(const RuleInput& input, FieldErrors& errors);
void call_allocation_result(const RuleInput& input, FieldErrors& errors);
void call_reservations_of_deleted(const RuleInput& input, FieldErrors& errors);

// resource_slice.cc
void call_slice_devices(const RuleInput& input, FieldErrors& errors);
void call_slice_nodes(const RuleInput& input, FieldErrors& errors);

// api_service.cc
void call_api_service_name(const RuleInput& input, FieldErrors& errors);
void call_api_service_local(const RuleInput& input, FieldErrors& errors);
void call_api_service_trust(const RuleInput& input, FieldErrors& errors);

}  // namespace tiphys::apiserver
