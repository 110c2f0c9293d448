// RestMetrics: what a component's requests to the API server came to, under client-go's names
// (k8s.io/component-base metrics/prometheus/restclient). Feed it by Transport::observe.
#pragma once
#include "base/metrics.h"
#include "client/transport.h"

namespace tiphys::client {

struct RestMetrics {
  explicit RestMetrics(MetricRegistry& registry);
  void count(const Sent& sent);

  MetricFamily<Histogram>& duration;
  MetricFamily<Counter>& requests;
};

}  // namespace tiphys::client
