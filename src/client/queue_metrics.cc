#include "client/queue_metrics.h"

namespace tiphys::client {

namespace {

const std::vector<std::string> kLabels = {"name"};
const std::vector<double> kSeconds = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10};

}  // namespace

QueueMetrics::QueueMetrics(MetricRegistry& registry)
    : adds(registry.counter("workqueue_adds_total", "Total number of adds handled by workqueue",
                            kLabels)),
      depth(registry.gauge("workqueue_depth", "Current depth of workqueue", kLabels)),
      queue_duration(registry.histogram(
          "workqueue_queue_duration_seconds",
          "How long in seconds an item stays in workqueue before being requested.", kLabels,
          kSeconds)),
      work_duration(registry.histogram(
          "workqueue_work_duration_seconds",
          "How long in seconds processing an item from workqueue takes.", kLabels, kSeconds)),
      retries(registry.counter("workqueue_retries_total",
                               "Total number of retries handled by workqueue", kLabels)),
      unfinished_work(registry.gauge(
          "workqueue_unfinished_work_seconds",
          "How many seconds of work has done that is in progress and hasn't been observed by "
          "work_duration. Large values indicate stuck threads. One can deduce the number of stuck "
          "threads by observing the rate at which this increases.",
          kLabels)),
      longest_running(registry.gauge(
          "workqueue_longest_running_processor_seconds",
          "How many seconds has the longest running processor for workqueue been running.",
          kLabels)) {}

}  // namespace tiphys::client
