// QueueMetrics: what a WorkQueue tells of itself, under the names of upstream's workqueue metrics.
// One for all queues of a process; it outlives them.
#pragma once
#include "base/metrics.h"

namespace tiphys::client {

struct QueueMetrics {
  explicit QueueMetrics(MetricRegistry& registry);

  MetricFamily<Counter>& adds;
  MetricFamily<Gauge>& depth;
  MetricFamily<Histogram>& queue_duration;
  MetricFamily<Histogram>& work_duration;
  MetricFamily<Counter>& retries;
  MetricFamily<Gauge>& unfinished_work;
  MetricFamily<Gauge>& longest_running;
};

}  // namespace tiphys::client
