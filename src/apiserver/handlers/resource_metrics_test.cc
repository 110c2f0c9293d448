#include "apiserver/api_server_fixture.h"

namespace tiphys::apiserver {
namespace {

constexpr const char* kMetrics = "/apis/metrics.k8s.io/v1beta1";

// A kubelet whose container "c" of every given pod uses half a core and 4 KiB.
class ResourceMetricsTest : public ApiServerTest {
 protected:
  ResourceMetricsTest() {
    server_.set_proxy_connector(
        [this](ProxyRequest request, StopToken) -> Task<Result<ProxyAnswer>> {
          return scrape(std::move(request));
        });
  }
  Task<Result<ProxyAnswer>> scrape(ProxyRequest request) {
    ++scrapes_;
    path_ = request.request.path;
    kubelet_ = request.target.kubelet;
    ProxyAnswer answer;
    answer.response.status = status_;
    answer.response.body = std::make_shared<const std::string>(figures());
    co_return answer;
  }
  std::string figures() {
    std::string cpu = std::to_string(static_cast<double>(loop_.mono().count()) / 2e9 + 1);
    std::string text =
        "node_cpu_usage_seconds_total " + cpu + "\nnode_memory_working_set_bytes 8192\n";
    for (const std::string& pod : pods_) {
      std::string labels = "{container=\"c\",namespace=\"default\",pod=\"" + pod + "\"} ";
      text += "container_cpu_usage_seconds_total" + labels + cpu + "\n";
      text += "container_memory_working_set_bytes" + labels + "4096\n";
    }
    return text;
  }
  void make_node(const std::string& name) {
    Reply made =
        ask("POST", "/api/v1/nodes",
            R"({"metadata":{"name":")" + name + R"(","labels":{"disk":")" + name +
                R"("}},"status":{"addresses":[{"type":"InternalIP","address":"10.1.0.1"}],)"
                R"("daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}})");
    ASSERT_EQ(made.status, 201) << made.body;
  }
  void make_pod(const std::string& name, const std::string& node) {
    Reply made = ask("POST", "/api/v1/namespaces/default/pods",
                     R"({"metadata":{"name":")" + name + R"(","labels":{"app":")" + name +
                         R"("}},"spec":{"nodeName":")" + node +
                         R"(","containers":[{"name":"c","image":"i"}]}})");
    ASSERT_EQ(made.status, 201) << made.body;
  }
  std::string get(const std::string& path) { return ask("GET", kMetrics + path).body; }

  int scrapes_ = 0;
  int status_ = 200;
  bool kubelet_ = false;
  std::string path_;
  std::vector<std::string> pods_ = {"p", "q"};
};

TEST_F(ResourceMetricsTest, nodes) {
  make_node("n");
  Reply reply = ask("GET", kMetrics + std::string("/nodes/n"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(path_, "/metrics/resource");
  EXPECT_TRUE(kubelet_);
  EXPECT_EQ(at(reply.body, {"kind"}), "NodeMetrics");
  EXPECT_EQ(at(reply.body, {"apiVersion"}), "metrics.k8s.io/v1beta1");
  EXPECT_EQ(at(reply.body, {"metadata", "labels", "disk"}), "n");
  EXPECT_EQ(at(reply.body, {"usage", "cpu"}), "500m");
  EXPECT_EQ(at(reply.body, {"usage", "memory"}), "8Ki");
  EXPECT_EQ(at(reply.body, {"window"}), "2s");
  EXPECT_EQ(at(reply.body, {"timestamp"}), "2023-11-14T22:13:22Z");
}

TEST_F(ResourceMetricsTest, pods_of_a_namespace_and_of_all) {
  make_node("n");
  make_pod("q", "n");
  make_pod("p", "n");
  std::string list = get("/namespaces/default/pods");
  EXPECT_TRUE(list.starts_with(R"({"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1",)"
                               R"("metadata":{},"items":[{"metadata":{"name":"p",)"))
      << list;
  EXPECT_NE(list.find(R"("containers":[{"name":"c","usage":{"cpu":"500m","memory":"4Ki"}}])"),
            std::string::npos)
      << list;
  EXPECT_EQ(get("/pods"), list);
  EXPECT_EQ(at(get("/namespaces/other/pods"), {"items"}), "[]");
  Reply one = ask("GET", kMetrics + std::string("/namespaces/default/pods/q"));
  EXPECT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(at(one.body, {"metadata", "namespace"}), "default");
}

TEST_F(ResourceMetricsTest, selectors) {
  make_node("n");
  make_node("o");
  make_pod("p", "n");
  make_pod("q", "n");
  auto named = [&](const std::string& path) {
    std::string text = get(path);
    std::string names;
    for (const char* name : {"n", "o", "p", "q"}) {
      if (text.find("\"name\":\"" + std::string(name) + "\"") != std::string::npos) names += name;
    }
    return names;
  };
  EXPECT_EQ(named("/nodes"), "no");
  EXPECT_EQ(named("/nodes?labelSelector=disk%3Do"), "o");
  EXPECT_EQ(named("/nodes?fieldSelector=metadata.name%3Dn"), "n");
  EXPECT_EQ(named("/pods?labelSelector=app%20in%20(q)"), "q");
  EXPECT_EQ(named("/pods?fieldSelector=metadata.name!%3Dq"), "p");
  EXPECT_EQ(ask("GET", kMetrics + std::string("/pods?fieldSelector=spec.nodeName%3Dn")).status,
            400);
  EXPECT_EQ(ask("GET", kMetrics + std::string("/pods?labelSelector=%3D%3D")).status, 400);
}

TEST_F(ResourceMetricsTest, what_is_not_there) {
  make_node("n");
  make_pod("silent", "n");
  make_pod("p", "elsewhere");  // n tells of it, but it isn't there
  EXPECT_EQ(at(get("/nodes/x"), {"message"}), "nodes \"x\" not found");
  EXPECT_EQ(at(get("/namespaces/default/pods/x"), {"message"}), "pods \"x\" not found");
  for (const char* name : {"silent", "p"}) {
    std::string text = get("/namespaces/default/pods/" + std::string(name));
    EXPECT_EQ(at(text, {"message"}),
              "podmetrics.metrics.k8s.io \"default/" + std::string(name) + "\" not found");
    EXPECT_EQ(at(text, {"reason"}), "NotFound");
  }
  EXPECT_EQ(at(get("/pods"), {"items"}), "[]");
}

TEST_F(ResourceMetricsTest, kubelets_that_fail) {
  make_node("n");
  status_ = 500;
  EXPECT_EQ(at(get("/nodes"), {"items"}), "[]");
  EXPECT_EQ(at(get("/nodes/n"), {"message"}), "nodemetrics.metrics.k8s.io \"n\" not found");
}

TEST_F(ResourceMetricsTest, without_a_connector_it_is_unavailable) {
  server_.set_proxy_connector(nullptr);
  EXPECT_EQ(ask("GET", kMetrics + std::string("/nodes")).status, 503);
}

TEST_F(ResourceMetricsTest, it_can_only_be_read) {
  EXPECT_EQ(ask("POST", kMetrics + std::string("/nodes"), "{}").status, 405);
  EXPECT_EQ(ask("DELETE", kMetrics + std::string("/nodes/n")).status, 405);
  EXPECT_EQ(ask("GET", kMetrics + std::string("/nodes?watch=1")).status, 405);
  EXPECT_EQ(scrapes_, 0);
}

TEST_F(ResourceMetricsTest, table_and_protobuf) {
  make_node("n");
  std::string table = ask("GET", kMetrics + std::string("/nodes"), "", "",
                          "application/json;as=Table;v=v1;g=meta.k8s.io")
                          .body;
  EXPECT_NE(table.find(R"("cells":["n","500m","8Ki","2s"])"), std::string::npos) << table;
  Reply bytes =
      ask("GET", kMetrics + std::string("/nodes"), "", "", "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(bytes.type, "application/vnd.kubernetes.protobuf");
  EXPECT_TRUE(bytes.body.starts_with(std::string("k8s\0", 4)));
}

TEST_F(ResourceMetricsTest, discovery) {
  std::string list = ask("GET", kMetrics).body;
  EXPECT_NE(list.find(R"({"name":"nodes","singularName":"","namespaced":false,"kind":)"
                      R"("NodeMetrics","verbs":["get","list"]})"),
            std::string::npos)
      << list;
  std::string groups = ask("GET", "/apis").body;
  EXPECT_NE(groups.find("\"metrics.k8s.io/v1beta1\""), std::string::npos);
}

}  // namespace
}  // namespace tiphys::apiserver
