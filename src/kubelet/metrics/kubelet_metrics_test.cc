#include "kubelet/metrics/kubelet_metrics.h"

#include <gtest/gtest.h>

#include <limits>

namespace tiphys::kubelet {
namespace {

using std::chrono::milliseconds;

struct KubeletMetricsTest : testing::Test {
  KubeletMetrics metrics{"n1"};
  bool has(const std::string& line) { return metrics.text({}).find(line) != std::string::npos; }
};

TEST_F(KubeletMetricsTest, calls_of_the_runtime_have_upstreams_names) {
  metrics.runtime_operation("RunPodSandbox", milliseconds(3), false);
  metrics.runtime_operation("CreateContainer", milliseconds(3), true);
  metrics.runtime_operation("ExecSync", milliseconds(3), false);
  EXPECT_TRUE(has("kubelet_runtime_operations_total{operation_type=\"run_podsandbox\"} 1"));
  EXPECT_TRUE(
      has("kubelet_runtime_operations_errors_total{operation_type=\"create_container\"} 1"));
  EXPECT_TRUE(has("kubelet_runtime_operations_total{operation_type=\"exec_sync\"} 1"));
  EXPECT_FALSE(has("errors_total{operation_type=\"exec_sync\"}"));
}

TEST_F(KubeletMetricsTest, callers_make_no_series) {
  metrics.http_request("GET", "/metrics/cadvisor", "readwrite", milliseconds(1));
  metrics.http_request("GET", "/containerLogs/a/b/c", "readwrite", milliseconds(1));
  metrics.http_request("BREW", "/x1", "readwrite", milliseconds(1));
  metrics.http_request("BREW", "/x2/y", "readwrite", milliseconds(1));
  metrics.http_request("POST", "/exec/a/b/c", "readwrite", milliseconds(1));
  const std::string head = "kubelet_http_requests_total{";
  EXPECT_TRUE(has(head + "method=\"GET\",path=\"metrics/cadvisor\",server_type=\"readwrite\","
                         "long_running=\"false\"} 1"));
  EXPECT_TRUE(has("path=\"containerLogs\""));
  EXPECT_TRUE(has(head + "method=\"other\",path=\"other\",server_type=\"readwrite\","
                         "long_running=\"false\"} 2"));
  EXPECT_TRUE(has("path=\"exec\",server_type=\"readwrite\",long_running=\"true\"} 1"));
}

TEST_F(KubeletMetricsTest, numbers_of_now) {
  std::string text = metrics.text({.running_pods = 2, .running_containers = 3});
  EXPECT_NE(text.find("\nkubelet_running_pods 2\n"), std::string::npos);
  EXPECT_NE(text.find("kubelet_running_containers{container_state=\"running\"} 3"),
            std::string::npos);
  EXPECT_NE(text.find("kubelet_node_name{node=\"n1\"} 1"), std::string::npos);
  EXPECT_NE(text.find("\nprocess_resident_memory_bytes "), std::string::npos);
  EXPECT_NE(text.find("\nprocess_start_time_seconds 1"), std::string::npos);
}

TEST_F(KubeletMetricsTest, resizes_and_preemptions) {
  metrics.preempted("memory");
  metrics.resize_requested("cpu", "limits", "increase");
  metrics.resize_infeasible("insufficient_node_allocatable");
  metrics.deferred_resize_accepted("pods_removed");
  metrics.resize_actuated(milliseconds(40), true);
  EXPECT_TRUE(has("kubelet_preemptions{preemption_signal=\"memory\"} 1"));
  EXPECT_TRUE(
      has("kubelet_container_requested_resizes_total{operation=\"increase\",requirement="
          "\"limits\",resource=\"cpu\"} 1"));
  EXPECT_TRUE(
      has("kubelet_pod_infeasible_resizes_total{reason_detail=\"insufficient_node_"
          "allocatable\"} 1"));
  EXPECT_TRUE(has("kubelet_pod_deferred_accepted_resizes_total{retry_trigger=\"pods_removed\"} 1"));
  EXPECT_TRUE(has("kubelet_pod_resize_duration_milliseconds_bucket{success=\"true\",le=\"50\"} 1"));
  EXPECT_TRUE(has("kubelet_pod_resize_duration_milliseconds_sum{success=\"true\"} 40"));
  std::string text = metrics.text({.deferred_resizes = 2, .resizes_in_progress = 1});
  EXPECT_NE(text.find("kubelet_pod_pending_resizes{reason=\"deferred\"} 2"), std::string::npos);
  EXPECT_NE(text.find("kubelet_pod_pending_resizes{reason=\"infeasible\"} 0"), std::string::npos);
  EXPECT_NE(text.find("\nkubelet_pod_in_progress_resizes 1\n"), std::string::npos);
}

TEST_F(KubeletMetricsTest, probes_stand_by_themselves) {
  metrics.probe(
      {.type = "Liveness", .result = "failed", .container = "c", .pod = "p", .ns = "d", .uid = "u"},
      milliseconds(1));
  EXPECT_NE(metrics.probes_text().find(
                "prober_probe_total{container=\"c\",namespace=\"d\",pod=\"p\",pod_uid=\"u\","
                "probe_type=\"Liveness\",result=\"failed\"} 1"),
            std::string::npos);
  EXPECT_FALSE(has("prober_probe_total"));
}

TEST_F(KubeletMetricsTest, certificates_of_the_api) {
  EXPECT_FALSE(has("certificate_manager")) << "none is watched";
  CertificateNumbers client{.ttl_seconds = 61, .renew_errors = 2};
  metrics.watch_client_certificate([&] { return client; });
  metrics.watch_serving_certificate(
      [] { return CertificateNumbers{.ttl_seconds = std::numeric_limits<double>::infinity()}; });
  metrics.serving_certificate_lived(std::chrono::seconds(100));
  EXPECT_TRUE(has("\nkubelet_certificate_manager_client_ttl_seconds 61\n"));
  EXPECT_TRUE(has("\nkubelet_certificate_manager_client_expiration_renew_errors 2\n"));
  EXPECT_TRUE(has("\nkubelet_certificate_manager_server_ttl_seconds +Inf\n"));
  EXPECT_TRUE(has("\nkubelet_server_expiration_renew_errors 0\n"));
  EXPECT_TRUE(has("kubelet_certificate_manager_server_rotation_seconds_bucket{le=\"3600\"} 1"));
  client = {.ttl_seconds = -5, .renew_errors = 3};
  EXPECT_TRUE(has("\nkubelet_certificate_manager_client_ttl_seconds -5\n"));
  EXPECT_TRUE(has("\nkubelet_certificate_manager_client_expiration_renew_errors 3\n"));
}

TEST_F(KubeletMetricsTest, pulls_are_told_apart_by_size) {
  metrics.image_pulled(std::chrono::seconds(2), 0);
  metrics.image_pulled(std::chrono::seconds(2), 10 << 20);
  metrics.image_pulled(std::chrono::seconds(7), (10 << 20) + 1);
  metrics.image_pulled(std::chrono::seconds(7), int64_t{200} << 30);
  for (const char* size : {"N/A", "0-10MB", "10MB-100MB", "GT100GB"}) {
    std::string labels = "{image_size_in_bytes=\"" + std::string(size) + "\"}";
    EXPECT_TRUE(has("kubelet_image_pull_duration_seconds_count" + labels + " 1")) << size;
  }
}

}  // namespace
}  // namespace tiphys::kubelet
