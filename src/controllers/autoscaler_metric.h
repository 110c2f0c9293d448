// One metric of an autoscaler: its figures (asked for), and what they propose (pure), with
// upstream's names, statuses and errors.
// Source: k8s.io/kubernetes pkg/controller/podautoscaler/horizontal.go (computeStatusFor...).
#pragma once
#include <optional>
#include <string>

#include "controllers/metrics_source.h"
#include "controllers/replica_calculator.h"
#include "kinds/autoscaling_v2.h"

namespace tiphys::controllers {

// What a metrics API told: of pods, or one value.
struct Figures {
  PodMetrics pods;
  int64_t value = 0;
};

struct MetricOutcome {
  std::optional<Proposal> proposal;
  std::string name;     // "cpu resource utilization (percentage of request)"
  Draft status;         // a MetricStatus; empty if there is no proposal
  std::string reason;   // without proposal: "FailedGetResourceMetric"
  std::string problem;  // and what event and condition say
  std::string error;    // and what is said of all metrics together
};

// Asks for the figures of the autoscaler's metric at an index. selector: of the target's pods.
Task<Result<Figures>> ask_figures(MetricsSource& source, ObjectPtr autoscaler, size_t index,
                                  std::string selector);
// status_replicas: how many the target has now.
MetricOutcome metric_outcome(const autoscaling_v2::HorizontalPodAutoscaler& autoscaler,
                             size_t index, Result<Figures> figures, const ScaledPods& scaled,
                             int32_t status_replicas);

}  // namespace tiphys::controllers
