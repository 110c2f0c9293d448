#include "client/rest_metrics.h"

#include <gtest/gtest.h>

namespace tiphys::client {
namespace {

TEST(RestMetrics, requests_are_counted_by_what_came_of_them) {
  MetricRegistry registry;
  RestMetrics metrics(registry);
  metrics.count({"GET", "10.0.0.1:6443", 200, std::chrono::milliseconds(30)});
  metrics.count({"GET", "10.0.0.1:6443", 0, std::chrono::seconds(2)});
  std::string text = registry.text();
  for (const char* line :
       {"rest_client_requests_total{code=\"200\",method=\"GET\",host=\"10.0.0.1:6443\"} 1",
        "rest_client_requests_total{code=\"<error>\",method=\"GET\",host=\"10.0.0.1:6443\"} 1",
        "duration_seconds_bucket{verb=\"GET\",host=\"10.0.0.1:6443\",le=\"0.1\"} 1",
        "duration_seconds_count{verb=\"GET\",host=\"10.0.0.1:6443\"} 2"}) {
    EXPECT_NE(text.find(line), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace tiphys::client
