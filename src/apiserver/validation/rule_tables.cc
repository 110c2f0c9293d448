// The names that rows of api/v1.35/validation.json use.
#include "apiserver/validation/rule_calls.h"

namespace tiphys::apiserver {
namespace {

struct CallRow {
  std::string_view name;
  RuleCall call;
};

constexpr CallRow kCalls[] = {
    {"absolute_path", call_absolute_path},
    {"aggregation_selector", call_aggregation_selector},
    {"allocated_devices", call_allocated_devices},
    {"allocation_result", call_allocation_result},
    {"allowed_topologies", call_allowed_topologies},
    {"api_service_local", call_api_service_local},
    {"api_service_name", call_api_service_name},
    {"api_service_trust", call_api_service_trust},
    {"attach_required_kept", call_attach_required_kept},
    {"attachment_metadata", call_attachment_metadata},
    {"attachment_source", call_attachment_source},
    {"audit_annotation_count", call_audit_annotation_count},
    {"audit_annotation_key", call_audit_annotation_key},
    {"audit_annotation_value", call_audit_annotation_value},
    {"azure_disk_uri", call_azure_disk_uri},
    {"blank", call_blank},
    {"cel_identifier", call_cel_identifier},
    {"certificate_request", call_certificate_request},
    {"claim_template", call_claim_template},
    {"claim_templates", call_claim_templates},
    {"cluster_subjects", call_cluster_subjects},
    {"container_resource_name", call_container_resource_name},
    {"counter_names", call_counter_names},
    {"cron_job_name", call_cron_job_name},
    {"cron_schedule", call_cron_schedule},
    {"cron_time_zone", call_cron_time_zone},
    {"csi_driver_name", call_csi_driver_name},
    {"csi_driver_once", call_csi_driver_once},
    {"csi_drivers_kept", call_csi_drivers_kept},
    {"csi_node_id", call_csi_node_id},
    {"csi_secret", call_csi_secret},
    {"csi_topology_keys", call_csi_topology_keys},
    {"daemon_set_strategy", call_daemon_set_strategy},
    {"daemon_set_template", call_daemon_set_template},
    {"deny_and_warn", call_deny_and_warn},
    {"deployment_strategy", call_deployment_strategy},
    {"deployment_template", call_deployment_template},
    {"device_claim_config", call_device_claim_config},
    {"device_class_config", call_device_class_config},
    {"device_constraints", call_device_constraints},
    {"device_expression", call_device_expression},
    {"domain_prefixed_path", call_domain_prefixed_path},
    {"downward_files", call_downward_files},
    {"empty_dir_size", call_empty_dir_size},
    {"endpoint_address", call_endpoint_address},
    {"endpoint_ip", call_endpoint_ip},
    {"endpoint_node_hints", call_endpoint_node_hints},
    {"endpoint_port_names", call_endpoint_port_names},
    {"endpoint_subset", call_endpoint_subset},
    {"endpoint_zone_hints", call_endpoint_zone_hints},
    {"extended_resource_name", call_extended_resource_name},
    {"fc", call_fc},
    {"flex_options", call_flex_options},
    {"flocker", call_flocker},
    {"flow_namespaces", call_flow_namespaces},
    {"flow_precedence", call_flow_precedence},
    {"flow_urls", call_flow_urls},
    {"flow_verbs", call_flow_verbs},
    {"fully_qualified_name", call_fully_qualified_name},
    {"hand_size", call_hand_size},
    {"hpa_described_object", call_hpa_described_object},
    {"hpa_max_replicas", call_hpa_max_replicas},
    {"hpa_metric_sources", call_hpa_metric_sources},
    {"hpa_scale_target", call_hpa_scale_target},
    {"hpa_zero_metrics", call_hpa_zero_metrics},
    {"http_headers", call_http_headers},
    {"ingress_backends", call_ingress_backends},
    {"ingress_class_annotation", call_ingress_class_annotation},
    {"ingress_rules", call_ingress_rules},
    {"ingress_tls", call_ingress_tls},
    {"int_or_percent", call_int_or_percent},
    {"interface_address", call_interface_address},
    {"ip_block", call_ip_block},
    {"iscsi", call_iscsi},
    {"job_completions", call_job_completions},
    {"job_container_name", call_job_container_name},
    {"job_exit_codes", call_job_exit_codes},
    {"job_fail_index", call_job_fail_index},
    {"job_generated_selector", call_job_generated_selector},
    {"job_indexed", call_job_indexed},
    {"job_pod_hostname", call_job_pod_hostname},
    {"job_restart_policy", call_job_restart_policy},
    {"job_status", call_job_status},
    {"job_success_rule", call_job_success_rule},
    {"job_template_kept", call_job_template_kept},
    {"job_template_labels", call_job_template_labels},
    {"label_selector", call_label_selector},
    {"labels", call_labels},
    {"lifecycle_modes", call_lifecycle_modes},
    {"local_path", call_local_path},
    {"lone_wildcard", call_lone_wildcard},
    {"mandatory_flow_schema", call_mandatory_flow_schema},
    {"mandatory_priority_level", call_mandatory_priority_level},
    {"manual_selector_unsupported", call_manual_selector_unsupported},
    {"match_condition_expression", call_match_condition_expression},
    {"message_expression", call_message_expression},
    {"network_policy_port", call_network_policy_port},
    {"no_backsteps", call_no_backsteps},
    {"non_negative_quantity", call_non_negative_quantity},
    {"not_an_ip", call_not_an_ip},
    {"not_blank", call_not_blank},
    {"not_decremented", call_not_decremented},
    {"one_line", call_one_line},
    {"param_api_version", call_param_api_version},
    {"param_kind", call_param_kind},
    {"persistent_iscsi", call_persistent_iscsi},
    {"pod_template", call_pod_template},
    {"policy_rule", call_policy_rule},
    {"policy_types", call_policy_types},
    {"pool_name", call_pool_name},
    {"port_reference", call_port_reference},
    {"positive_quantity", call_positive_quantity},
    {"priority_level_type", call_priority_level_type},
    {"priority_value", call_priority_value},
    {"progress_deadline", call_progress_deadline},
    {"provisioner", call_provisioner},
    {"quobyte", call_quobyte},
    {"relative_path", call_relative_path},
    {"replica_set_template", call_replica_set_template},
    {"reservations_of_deleted", call_reservations_of_deleted},
    {"review_versions", call_review_versions},
    {"revision_data", call_revision_data},
    {"rule_resources", call_rule_resources},
    {"runtime_overhead", call_runtime_overhead},
    {"runtime_tolerations", call_runtime_tolerations},
    {"service_cidrs", call_service_cidrs},
    {"service_cidrs_kept", call_service_cidrs_kept},
    {"service_port", call_service_port},
    {"set_not_empty", call_set_not_empty},
    {"side_effects", call_side_effects},
    {"signer_name", call_signer_name},
    {"slice_devices", call_slice_devices},
    {"slice_nodes", call_slice_nodes},
    {"stateful_set_kept", call_stateful_set_kept},
    {"stateful_set_strategy", call_stateful_set_strategy},
    {"stateful_set_template", call_stateful_set_template},
    {"storage_parameters", call_storage_parameters},
    {"template_metadata", call_template_metadata},
    {"token_requests", call_token_requests},
    {"unique_items", call_unique_items},
    {"validation_expression", call_validation_expression},
    {"variable_expression", call_variable_expression},
    {"volume_error_message", call_volume_error_message},
    {"webhook_name_once", call_webhook_name_once},
    {"webhook_service", call_webhook_service},
    {"webhook_service_path", call_webhook_service_path},
    {"webhook_url", call_webhook_url},
    {"within_ready_replicas", call_within_ready_replicas},
    {"within_status_ready_replicas", call_within_status_ready_replicas},
    {"within_status_replicas", call_within_status_replicas},
};

struct FormatRow {
  std::string_view name;
  RuleFormat check;
};

constexpr FormatRow kFormats[] = {
    {"condition-reason", check_condition_reason},
    {"dns1035-label", check_dns1035_label},
    {"dns1123-label", check_dns1123_label},
    {"dns1123-subdomain", check_dns1123_subdomain},
    {"ip", check_ip},
    {"label-value", check_label_value},
    {"path-segment", check_path_segment},
    {"port-name", check_port_name},
    {"qualified-name", check_qualified_name},
};

}  // namespace

RuleCall find_rule_call(std::string_view name) {
  for (const CallRow& row : kCalls) {
    if (row.name == name) return row.call;
  }
  return nullptr;
}

RuleFormat find_rule_format(std::string_view name) {
  for (const FormatRow& row : kFormats) {
    if (row.name == name) return row.check;
  }
  return nullptr;
}

}  // namespace tiphys::apiserver
