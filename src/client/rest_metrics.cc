#include "client/rest_metrics.h"

namespace tiphys::client {

RestMetrics::RestMetrics(MetricRegistry& registry)
    : duration(registry.histogram("rest_client_request_duration_seconds",
                                  "[ALPHA] Request latency in seconds. Broken down by verb, and "
                                  "host.",
                                  {"verb", "host"},
                                  {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60})),
      requests(registry.counter("rest_client_requests_total",
                                "[ALPHA] Number of HTTP requests, partitioned by status code, "
                                "method, and host.",
                                {"code", "method", "host"})) {}

void RestMetrics::count(const Sent& sent) {
  std::string code = sent.code == 0 ? "<error>" : std::to_string(sent.code);
  requests.with({code, sent.method, sent.host}).add();
  duration.with({sent.method, sent.host}).observe(std::chrono::duration<double>(sent.took).count());
}

}  // namespace tiphys::client
