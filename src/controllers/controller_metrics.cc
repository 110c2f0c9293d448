#include "controllers/controller_metrics.h"

namespace tiphys::controllers {

namespace {

using Labels = std::vector<std::string>;

std::vector<double> exponential(double start, double factor, int count) {
  std::vector<double> bounds;
  for (double bound = start; count > 0; --count, bound *= factor) bounds.push_back(bound);
  return bounds;
}

std::vector<double> milliseconds_doubled() { return exponential(0.001, 2, 15); }
std::vector<double> counts_doubled() { return exponential(2, 2, 15); }
std::vector<double> default_bounds() {
  return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

const Labels kSync = {"completion_mode", "result", "action"};
const Labels kAction = {"action", "error"};
const Labels kMetric = {"action", "error", "metric_type"};
const Labels kZone = {"zone"};
const Labels kRange = {"clusterCIDR"};
const Labels kSet = {"statefulset_namespace", "statefulset_name", "pod_management_policy"};
const Labels kForced = {"namespace", "reason"};

constexpr const char* kErrorLabels =
    " The label 'action' should be either 'scale_down', 'scale_up', or 'none'. Also, the label "
    "'error' should be either 'spec', 'internal', or 'none'.";
constexpr const char* kFirstError =
    " Note that if both spec and internal errors happen during a reconciliation, the first one to "
    "occur is reported in `error` label.";
constexpr const char* kMetricType =
    " The label 'metric_type' corresponds to HPA.spec.metrics[*].type";

}  // namespace

JobMetrics::JobMetrics(MetricRegistry& registry)
    : sync_duration(registry.histogram("job_controller_job_sync_duration_seconds",
                                       "[STABLE] The time it took to sync a job", kSync,
                                       exponential(0.004, 2, 15))),
      syncs(registry.counter("job_controller_job_syncs_total", "[STABLE] The number of job syncs",
                             kSync)),
      finished(registry.counter("job_controller_jobs_finished_total",
                                "[STABLE] The number of finished jobs",
                                {"completion_mode", "result", "reason"})),
      external(registry.counter("job_controller_jobs_by_external_controller_total",
                                "[ALPHA] The number of Jobs managed by an external controller",
                                {"controller_name"})),
      pods_finished(registry.counter("job_controller_job_pods_finished_total",
                                     "[STABLE] The number of finished Pods that are fully tracked",
                                     {"completion_mode", "result"})),
      policy_failures(registry.counter(
          "job_controller_pod_failures_handled_by_failure_policy_total",
          "[BETA] The number of failed Pods handled by failure policy with respect to the failure "
          "policy action applied based on the matched rule. Possible values of the action label "
          "correspond to the possible values for the failure policy rule action, which are: "
          "\"FailJob\", \"Ignore\" and \"Count\".",
          {"action"})),
      tracked(registry.counter(
          "job_controller_terminated_pods_tracking_finalizer_total",
          "[BETA] The number of terminated pods (phase=Failed|Succeeded) that have the finalizer "
          "batch.kubernetes.io/job-tracking. The event label can be \"add\" or \"delete\".",
          {"event"})),
      indexes(registry.counter(
          "job_controller_job_finished_indexes_total",
          "[ALPHA] The number of finished indexes. Possible values for the status label are: "
          "\"succeeded\", \"failed\". Possible values for the backoffLimit label are: "
          "\"perIndex\" and \"global\"",
          {"status", "backoffLimit"})),
      pod_creations(registry.counter(
          "job_controller_job_pods_creation_total",
          "[ALPHA] The number of Pods created by the Job controller labelled with a reason for the "
          "Pod creation.\nThis metric also distinguishes between Pods created using different "
          "PodReplacementPolicy settings.\nPossible values of the \"reason\" label are:\n\"new\", "
          "\"recreate_terminating_or_failed\", \"recreate_failed\".\nPossible values of the "
          "\"status\" label are:\n\"succeeded\", \"failed\".",
          {"reason", "status"})) {}

AutoscalerMetrics::AutoscalerMetrics(MetricRegistry& registry)
    : rounds(registry.counter("horizontal_pod_autoscaler_controller_reconciliations_total",
                              std::string("[ALPHA] Number of reconciliations of HPA controller.") +
                                  kErrorLabels + kFirstError,
                              kAction)),
      round_duration(registry.histogram(
          "horizontal_pod_autoscaler_controller_reconciliation_duration_seconds",
          std::string(
              "[ALPHA] The time(seconds) that the HPA controller takes to reconcile once.") +
              kErrorLabels + kFirstError,
          kAction, milliseconds_doubled())),
      computations(registry.counter(
          "horizontal_pod_autoscaler_controller_metric_computation_total",
          std::string("[ALPHA] Number of metric computations.") + kErrorLabels + kMetricType,
          kMetric)),
      computation_duration(registry.histogram(
          "horizontal_pod_autoscaler_controller_metric_computation_duration_seconds",
          std::string("[ALPHA] The time(seconds) that the HPA controller takes to calculate one "
                      "metric.") +
              kErrorLabels + kMetricType,
          kMetric, milliseconds_doubled())),
      autoscalers(
          registry.gauge("horizontal_pod_autoscaler_controller_num_horizontal_pod_autoscalers",
                         "[ALPHA] Current number of controlled HPA objects.")),
      desired_replicas(registry.gauge("horizontal_pod_autoscaler_controller_desired_replicas",
                                      "[ALPHA] Current desired replica count for HPA objects.",
                                      {"namespace", "hpa_name"})) {}

SliceMetrics::SliceMetrics(MetricRegistry& registry, const std::string& subsystem,
                           const std::string& what)
    : added(registry.histogram(subsystem + "_endpoints_added_per_sync",
                               "[ALPHA] Number of endpoints added on each " + what + " sync", {},
                               counts_doubled())),
      removed(registry.histogram(subsystem + "_endpoints_removed_per_sync",
                                 "[ALPHA] Number of endpoints removed on each " + what + " sync",
                                 {}, counts_doubled())),
      endpoints(
          registry.gauge(subsystem + "_endpoints_desired", "[ALPHA] Number of endpoints desired")),
      slices(
          registry.gauge(subsystem + "_num_endpoint_slices", "[ALPHA] Number of EndpointSlices")),
      desired_slices(registry.gauge(
          subsystem + "_desired_endpoint_slices",
          "[ALPHA] Number of EndpointSlices that would exist with perfect endpoint allocation")),
      changes(registry.counter(subsystem + "_changes", "[ALPHA] Number of EndpointSlice changes",
                               {"operation"})) {}

EndpointSliceMetrics::EndpointSliceMetrics(MetricRegistry& registry)
    : SliceMetrics(registry, "endpoint_slice_controller", "Service"),
      changed_slices(
          registry.histogram("endpoint_slice_controller_endpointslices_changed_per_sync",
                             "[ALPHA] Number of EndpointSlices changed on each Service sync",
                             {"topology", "traffic_distribution"}, default_bounds())),
      syncs(registry.counter("endpoint_slice_controller_syncs",
                             "[ALPHA] Number of EndpointSlice syncs", {"result"})),
      distributions(
          registry.gauge("endpoint_slice_controller_services_count_by_traffic_distribution",
                         "[ALPHA] Number of Services using some specific trafficDistribution",
                         {"traffic_distribution"})) {}

MirroringMetrics::MirroringMetrics(MetricRegistry& registry)
    : SliceMetrics(registry, "endpoint_slice_mirroring_controller", "Endpoints"),
      updated(registry.histogram("endpoint_slice_mirroring_controller_endpoints_updated_per_sync",
                                 "[ALPHA] Number of endpoints updated on each Endpoints sync", {},
                                 counts_doubled())),
      skipped(registry.histogram(
          "endpoint_slice_mirroring_controller_addresses_skipped_per_sync",
          "[ALPHA] Number of addresses skipped on each Endpoints sync due to being invalid or "
          "exceeding MaxEndpointsPerSubset",
          {}, counts_doubled())),
      sync_duration(registry.histogram(
          "endpoint_slice_mirroring_controller_endpoints_sync_duration",
          "[ALPHA] Duration of syncEndpoints() in seconds", {}, milliseconds_doubled())) {}

NodeMetrics::NodeMetrics(MetricRegistry& registry)
    : zone_health(registry.gauge("node_collector_zone_health",
                                 "[ALPHA] Gauge measuring percentage of healthy nodes per zone.",
                                 kZone)),
      zone_size(registry.gauge("node_collector_zone_size",
                               "[ALPHA] Gauge measuring number of registered Nodes per zones.",
                               kZone)),
      unhealthy(registry.gauge("node_collector_unhealthy_nodes_in_zone",
                               "[ALPHA] Gauge measuring number of not Ready Nodes per zones.",
                               kZone)),
      evictions(registry.counter(
          "node_collector_evictions_total",
          "[STABLE] Number of Node evictions that happened since current instance of "
          "NodeController started.",
          kZone)),
      node_round(registry.histogram(
          "node_collector_update_node_health_duration_seconds",
          "[ALPHA] Duration in seconds for NodeController to update the health of a single node.",
          {}, exponential(0.001, 4, 8))),
      zone_round(registry.histogram(
          "node_collector_update_all_nodes_health_duration_seconds",
          "[ALPHA] Duration in seconds for NodeController to update the health of all nodes.", {},
          exponential(0.01, 4, 8))) {}

NodeIpamMetrics::NodeIpamMetrics(MetricRegistry& registry)
    : allocations(registry.counter("node_ipam_controller_cidrset_cidrs_allocations_total",
                                   "[ALPHA] Counter measuring total number of CIDR allocations.",
                                   kRange)),
      releases(registry.counter("node_ipam_controller_cidrset_cidrs_releases_total",
                                "[ALPHA] Counter measuring total number of CIDR releases.",
                                kRange)),
      most(registry.gauge("node_ipam_controller_cirdset_max_cidrs",
                          "[ALPHA] Maximum number of CIDRs that can be allocated.", kRange)),
      usage(registry.gauge("node_ipam_controller_cidrset_usage_cidrs",
                           "[ALPHA] Gauge measuring percentage of allocated CIDRs.", kRange)),
      tries(registry.histogram("node_ipam_controller_cidrset_allocation_tries_per_request",
                               "[ALPHA] Number of endpoints added on each Service sync", kRange,
                               exponential(1, 5, 5))) {}

StatefulSetMetrics::StatefulSetMetrics(MetricRegistry& registry)
    : max_unavailable(registry.gauge(
          "statefulset_controller_statefulset_max_unavailable",
          "[ALPHA] Maximum number of unavailable pods allowed during StatefulSet rolling updates",
          kSet)),
      unavailable(registry.gauge("statefulset_controller_statefulset_unavailable_replicas",
                                 "[ALPHA] Current number of unavailable pods in StatefulSet",
                                 kSet)) {}

ControllerMetrics::ControllerMetrics(MetricRegistry& registry)
    : queue(registry),
      job(registry),
      autoscaler(registry),
      endpoint_slice(registry),
      mirroring(registry),
      node(registry),
      node_ipam(registry),
      stateful_set(registry),
      cron_job_skew(registry.histogram(
          "cronjob_controller_job_creation_skew_duration_seconds",
          "[STABLE] Time between when a cronjob is scheduled to be run, and when the corresponding "
          "job is created",
          {}, exponential(1, 2, 10))),
      job_deletion(registry.histogram(
          "ttl_after_finished_controller_job_deletion_duration_seconds",
          "[ALPHA] The time it took to delete the job since it became eligible for deletion", {},
          exponential(0.1, 2, 14))),
      collector_errors(
          registry.counter("garbagecollector_controller_resources_sync_error_total",
                           "[ALPHA] Number of garbage collector resources sync errors")),
      taint_deletions(registry.counter(
          "taint_eviction_controller_pod_deletions_total",
          "[ALPHA] Total number of Pods deleted by TaintEvictionController since its start.")),
      taint_deletion_duration(registry.histogram(
          "taint_eviction_controller_pod_deletion_duration_seconds",
          "[ALPHA] Latency, in seconds, between the time when a taint effect has been activated "
          "for the Pod and its deletion via TaintEvictionController.",
          {}, {0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240})),
      deletion_age_ratio(registry.histogram(
          "replicaset_controller_sorting_deletion_age_ratio",
          "[ALPHA] The ratio of chosen deleted pod's ages to the current youngest pod's age (at "
          "the time). Should be <2. The intent of this metric is to measure the rough efficacy of "
          "the LogarithmicScaleDown feature gate's effect on the sorting (and deletion) of pods "
          "when a replicaset scales down. This only considers Ready pods when calculating and "
          "reporting.",
          {}, exponential(0.25, 2, 6))),
      forced_deletions(registry.counter(
          "pod_gc_collector_force_delete_pods_total",
          "[ALPHA] Number of pods that are being forcefully deleted since the Pod GC Controller "
          "started.",
          kForced)),
      forced_deletion_errors(registry.counter(
          "pod_gc_collector_force_delete_pod_errors_total",
          "[ALPHA] Number of errors encountered when forcefully deleting the pods since the Pod GC "
          "Controller started.",
          kForced)),
      claims(registry.counter("ephemeral_volume_controller_create_total",
                              "[ALPHA] Number of PersistenVolumeClaims creation requests")),
      claim_failures(registry.counter("ephemeral_volume_controller_create_failures_total",
                                      "[ALPHA] Number of PersistenVolumeClaims creation requests")),
      root_ca_syncs(registry.counter(
          "root_ca_cert_publisher_sync_total",
          "[ALPHA] Number of namespace syncs happened in root ca cert publisher.", {"code"})),
      root_ca_duration(registry.histogram(
          "root_ca_cert_publisher_sync_duration_seconds",
          "[ALPHA] Number of namespace syncs happened in root ca cert publisher.", {"code"},
          milliseconds_doubled())) {
  for (auto* family : {&collector_errors, &taint_deletions, &claims, &claim_failures}) {
    family->get();  // shown as 0 before the first
  }
}

}  // namespace tiphys::controllers
