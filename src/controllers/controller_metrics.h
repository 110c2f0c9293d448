// ControllerMetrics: what controllers tell of themselves, under upstream's names, labels and
// buckets (v1.35: pkg/controller/*/metrics). One for all controllers of a process; it outlives
// them. They write to it in Controller's hooks (decided, outcome, round_over) and in handlers,
// never in reconcile().
#pragma once
#include "base/metrics.h"
#include "client/queue_metrics.h"

namespace tiphys::controllers {

struct JobMetrics {
  explicit JobMetrics(MetricRegistry& registry);
  MetricFamily<Histogram>& sync_duration;  // completion_mode, result, action
  MetricFamily<Counter>& syncs;            // completion_mode, result, action
  MetricFamily<Counter>& finished;         // completion_mode, result, reason
  MetricFamily<Counter>& external;         // controller_name
  MetricFamily<Counter>& pods_finished;    // completion_mode, result
  MetricFamily<Counter>& policy_failures;  // action
  MetricFamily<Counter>& tracked;          // event
  MetricFamily<Counter>& indexes;          // status, backoffLimit
  MetricFamily<Counter>& pod_creations;    // reason, status
};

struct AutoscalerMetrics {
  explicit AutoscalerMetrics(MetricRegistry& registry);
  MetricFamily<Counter>& rounds;            // action, error
  MetricFamily<Histogram>& round_duration;  // action, error
  MetricFamily<Counter>& computations;      // action, error, metric_type
  MetricFamily<Histogram>& computation_duration;
  MetricFamily<Gauge>& autoscalers;
  MetricFamily<Gauge>& desired_replicas;  // namespace, hpa_name
};

// What EndpointSliceController and EndpointSliceMirroring have in common.
struct SliceMetrics {
  // what: "Service" or "Endpoints".
  SliceMetrics(MetricRegistry& registry, const std::string& subsystem, const std::string& what);
  MetricFamily<Histogram>& added;
  MetricFamily<Histogram>& removed;
  MetricFamily<Gauge>& endpoints;
  MetricFamily<Gauge>& slices;
  MetricFamily<Gauge>& desired_slices;
  MetricFamily<Counter>& changes;  // operation
};

struct EndpointSliceMetrics : SliceMetrics {
  explicit EndpointSliceMetrics(MetricRegistry& registry);
  MetricFamily<Histogram>& changed_slices;  // topology, traffic_distribution
  MetricFamily<Counter>& syncs;             // result
  MetricFamily<Gauge>& distributions;       // traffic_distribution
};

struct MirroringMetrics : SliceMetrics {
  explicit MirroringMetrics(MetricRegistry& registry);
  MetricFamily<Histogram>& updated;
  MetricFamily<Histogram>& skipped;
  MetricFamily<Histogram>& sync_duration;
};

struct NodeMetrics {
  explicit NodeMetrics(MetricRegistry& registry);
  MetricFamily<Gauge>& zone_health;     // zone
  MetricFamily<Gauge>& zone_size;       // zone
  MetricFamily<Gauge>& unhealthy;       // zone
  MetricFamily<Counter>& evictions;     // zone
  MetricFamily<Histogram>& node_round;  // of one node
  MetricFamily<Histogram>& zone_round;  // of all nodes
};

struct NodeIpamMetrics {
  explicit NodeIpamMetrics(MetricRegistry& registry);
  MetricFamily<Counter>& allocations;  // clusterCIDR, as the others
  MetricFamily<Counter>& releases;
  MetricFamily<Gauge>& most;
  MetricFamily<Gauge>& usage;
  MetricFamily<Histogram>& tries;
};

struct StatefulSetMetrics {
  explicit StatefulSetMetrics(MetricRegistry& registry);
  // statefulset_namespace, statefulset_name, pod_management_policy
  MetricFamily<Gauge>& max_unavailable;
  MetricFamily<Gauge>& unavailable;
};

struct ControllerMetrics {
  explicit ControllerMetrics(MetricRegistry& registry);
  client::QueueMetrics queue;
  JobMetrics job;
  AutoscalerMetrics autoscaler;
  EndpointSliceMetrics endpoint_slice;
  MirroringMetrics mirroring;
  NodeMetrics node;
  NodeIpamMetrics node_ipam;
  StatefulSetMetrics stateful_set;
  MetricFamily<Histogram>& cron_job_skew;
  MetricFamily<Histogram>& job_deletion;
  MetricFamily<Counter>& collector_errors;
  MetricFamily<Counter>& taint_deletions;
  MetricFamily<Histogram>& taint_deletion_duration;
  MetricFamily<Histogram>& deletion_age_ratio;
  MetricFamily<Counter>& forced_deletions;        // namespace, reason
  MetricFamily<Counter>& forced_deletion_errors;  // namespace, reason
  MetricFamily<Counter>& claims;
  MetricFamily<Counter>& claim_failures;
  MetricFamily<Counter>& root_ca_syncs;  // code
  MetricFamily<Histogram>& root_ca_duration;
};

}  // namespace tiphys::controllers
