// HorizontalPodAutoscalerController: follows metrics with the replicas of whatever has a scale
// subresource. Each autoscaler is looked at once a period, not when it changes: it asks servers
// while it works. What it asks and computes is in autoscaler_metric.h, replica_calculator.h and
// scaling_behavior.h.
// Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/,
// k8s.io/kubernetes pkg/controller/podautoscaler (v1.35).
#pragma once
#include <map>
#include <memory>

#include "controllers/autoscaler_status.h"
#include "controllers/controller.h"
#include "controllers/resource_mapper.h"
#include "controllers/scaling_behavior.h"
#include "kinds/label_selector.h"

namespace tiphys::controllers {

class HorizontalPodAutoscalerController : public Controller {
 public:
  struct Options {
    Duration sync_period = std::chrono::seconds(15);
    Duration downscale_stabilization = std::chrono::minutes(5);
    double tolerance = 0.1;
    Duration cpu_initialization_period = std::chrono::minutes(5);
    Duration initial_readiness_delay = std::chrono::seconds(30);
  };
  // metrics: null for the metrics APIs.
  HorizontalPodAutoscalerController(Context context, Options options,
                                    std::unique_ptr<MetricsSource> metrics = nullptr);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override { return {}; }
  Task<Result<void>> sync(std::string key) override;

 private:
  // One look at one autoscaler.
  struct Round {
    std::string key;
    ObjectPtr object;
    AutoscalerStatus status;
    MappedResource resource;  // what is scaled
    ObjectPtr scale;          // and its Scale
    LabelSelector selector;   // of its pods
    // For metrics.
    std::string_view action = "none";
    std::string_view error = "none";
  };
  // How many replicas there should be, and why.
  struct Wish {
    int32_t replicas = 0;
    std::string metric;
  };

  Task<void> look(Round& round);
  Task<Result<void>> find_scale(Round& round);
  Task<Result<Wish>> ask_metrics(Round& round);
  Task<void> follow_metrics(Round& round);
  Task<void> rescale(Round& round, int32_t replicas, std::string reason);
  Task<void> write_status(Round& round);

  Result<void> check_selector(Round& round);
  Result<Wish> judge(Round& round, const std::vector<MetricOutcome>& outcomes);
  int32_t settled(Round& round, int32_t wish);
  void fail_scale(Round& round, const ApiStatus& error);
  ScaledPods scaled_pods(const Round& round) const;
  std::vector<ObjectPtr> selected_pods(const Round& round) const;
  // Keys of autoscalers whose pods are among these.
  std::vector<std::string> autoscalers_of(const std::vector<ObjectPtr>& pods,
                                          std::string_view ns) const;
  void measure(const Round& round, Duration took);
  void measure(const Round& round, size_t metric, const MetricOutcome& outcome, Duration took);
  void warn(const Round& round, std::string_view reason, std::string_view message);

  Options options_;
  client::Informer& autoscalers_;
  client::Informer& pods_;
  std::unique_ptr<MetricsSource> metrics_;
  std::map<std::string, ScaleHistory> histories_;                // by key
  std::map<std::string, LabelSelector, std::less<>> selectors_;  // by key: of pods, once known
};

}  // namespace tiphys::controllers
