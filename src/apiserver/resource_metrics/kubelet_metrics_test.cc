#include "apiserver/resource_metrics/kubelet_metrics.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

constexpr MicroTime kNow = 1'700'000'000 * kMicrosPerSecond;

NodePoints parse(std::string_view text) {
  Result<NodePoints> points = parse_kubelet_metrics(text, kNow);
  EXPECT_TRUE(points) << points.error().message();
  return points ? std::move(*points) : NodePoints{};
}

std::string failure(std::string_view text) {
  Result<NodePoints> points = parse_kubelet_metrics(text, kNow);
  return points ? "" : std::string(points.error().message());
}

TEST(KubeletMetrics, NodesAndContainers) {
  NodePoints points = parse(
      "# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time\n"
      "# TYPE node_cpu_usage_seconds_total counter\n"
      "node_cpu_usage_seconds_total 357.35491 1633253809720\n"
      "node_memory_working_set_bytes 1.616273408e+09 1633253809720\n"
      "container_cpu_usage_seconds_total{container=\"c\",namespace=\"kube-system\",pod=\"p\"} "
      "4.710169 1633253812125\n"
      "container_memory_working_set_bytes{pod=\"p\", container=\"c\", namespace=\"kube-system\",} "
      "1.253376e+07 1633253812125\n"
      "container_start_time_seconds{container=\"c\",namespace=\"kube-system\",pod=\"p\"} "
      "1.633252712e+09 1633252712000\n"
      "pod_cpu_usage_seconds_total{namespace=\"kube-system\",pod=\"p\"} 4.7 1633253812125\n"
      "resource_scrape_error 0\n");
  ASSERT_TRUE(points.node);
  EXPECT_EQ(points.node->cpu_ns, 357'354'910'000);
  EXPECT_EQ(points.node->memory_bytes, 1'616'273'408);
  EXPECT_EQ(points.node->time, 1'633'253'809'720'000);
  ASSERT_EQ(points.pods.size(), 1u);
  const UsagePoint& point = points.pods[{"kube-system", "p"}]["c"];
  EXPECT_EQ(point.cpu_ns, 4'710'169'000);
  EXPECT_EQ(point.memory_bytes, 12'533'760);
  EXPECT_EQ(point.started, 1'633'252'712'000'000);
}

TEST(KubeletMetrics, TimestampsMayBeLeftOut) {
  NodePoints points = parse("node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 2\n");
  ASSERT_TRUE(points.node);
  EXPECT_EQ(points.node->time, kNow);
}

TEST(KubeletMetrics, WhatIsIncompleteIsLeftOut) {
  NodePoints points = parse(
      "node_cpu_usage_seconds_total 1\n"
      "container_cpu_usage_seconds_total{container=\"a\",namespace=\"n\",pod=\"p\"} 1\n"
      "container_memory_working_set_bytes{container=\"a\",namespace=\"n\",pod=\"p\"} 1\n"
      "container_start_time_seconds{container=\"b\",namespace=\"n\",pod=\"p\"} 1\n");
  EXPECT_FALSE(points.node);
  EXPECT_TRUE(points.pods.empty());
  EXPECT_FALSE(parse("").node);
}

TEST(KubeletMetrics, NumbersThatAreNoUsage) {
  for (const char* number : {"NaN", "+Inf", "-Inf", "-1", "1e300", "1e400", "9.3e9"}) {
    EXPECT_FALSE(parse("node_memory_working_set_bytes 1\nnode_cpu_usage_seconds_total " +
                       std::string(number) + "\n")
                     .node)
        << number;
  }
}

TEST(KubeletMetrics, EscapedLabels) {
  NodePoints points = parse(
      "container_cpu_usage_seconds_total{container=\"a\\\"}\\\\\\n\\\\n\",namespace=\"n\",pod="
      "\"p\"} 1\n"
      "container_memory_working_set_bytes{container=\"a\\\"}\\\\\\n\\\\n\",namespace=\"n\",pod="
      "\"p\"} "
      "1\n");
  ASSERT_EQ(points.pods.size(), 1u);
  EXPECT_EQ(points.pods.begin()->second.begin()->first, "a\"}\\\n\\n");
}

TEST(KubeletMetrics, MalformedTextIsRefused) {
  EXPECT_EQ(failure("x\nnode_cpu_usage_seconds_total one\n"),
            "failed parsing metrics: line 2: value is no number");
  EXPECT_NE(failure("node_cpu_usage_seconds_total"), "");
  EXPECT_NE(failure("node_cpu_usage_seconds_total 1 x"), "");
  EXPECT_NE(failure("node_cpu_usage_seconds_total 1 -5"), "");
  EXPECT_NE(failure("node_cpu_usage_seconds_total 1 99999999999999999"), "");
  EXPECT_NE(failure("container_start_time_seconds 1"), "");
  EXPECT_NE(failure("container_start_time_seconds{container=\"a\"} 1"), "");
  EXPECT_NE(failure("container_start_time_seconds{container=\"a"), "");
  EXPECT_NE(failure("container_start_time_seconds{container=a} 1"), "");
  EXPECT_NE(failure("container_start_time_seconds{container=\"a\" pod=\"p\"} 1"), "");
  EXPECT_NE(failure("container_start_time_seconds{"), "");
}

}  // namespace
}  // namespace tiphys::apiserver
