// ResourceQuota over a whole API server: what is charged is stored, also under concurrency.
#include "apiserver/admission/plugins.h"
#include "apiserver/api_server_fixture.h"
#include "async/gate.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kNamespace[] = "/api/v1/namespaces/default/";

class ResourceQuotaTest : public ApiServerTest {
 protected:
  ResourceQuotaTest() {
    AdmissionParts parts;
    parts.loop = &loop_;
    parts.lookup = &server_.lookup();
    parts.random = &random_;
    parts.write_status = [this](Draft object) { return server_.put_status(std::move(object)); };
    auto chain = make_admission(parts, {}, {"ServiceAccount"});
    for (auto& plugin : *chain) server_.add_admission(std::move(plugin));
  }

  std::string create(const std::string& kind, const std::string& name, const std::string& rest,
                     const std::string& version = "v1", const std::string& path = kNamespace) {
    std::string resource = kind == "ResourceQuota" ? "resourcequotas" : to_plural(kind);
    Reply reply = ask("POST", path + resource,
                      "{apiVersion: " + version + ", kind: " + kind + ", metadata: {name: " + name +
                          "}" + (rest.empty() ? "" : ", " + rest) + "}",
                      "application/yaml");
    return reply.status == 201 ? "" : at(reply.body, {"message"});
  }
  static std::string to_plural(std::string kind) {
    for (char& c : kind) c = static_cast<char>(tolower(c));
    return kind + "s";
  }
  // A quota whose status tells that nothing is in use.
  void make_quota(const std::string& name, const std::string& hard, const std::string& used,
                  const std::string& more = "") {
    ASSERT_EQ(create("ResourceQuota", name, "spec: {hard: " + hard + more + "}"), "");
    Reply reply = ask("PATCH", std::string(kNamespace) + "resourcequotas/" + name + "/status",
                      "{\"status\": {\"hard\": " + hard + ", \"used\": " + used + "}}",
                      "application/merge-patch+json");
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  std::string used(const std::string& quota) {
    Reply reply = ask("GET", std::string(kNamespace) + "resourcequotas/" + quota);
    return at(reply.body, {"status", "used"});
  }
  static std::string pod_spec(const std::string& resources, const std::string& more = "") {
    return "spec: {containers: [{name: c, image: i, resources: {" + resources + "}}]" + more + "}";
  }
};

TEST_F(ResourceQuotaTest, PodsAreChargedAndBounded) {
  make_quota("q", R"({"pods":"2","requests.cpu":"1500m"})", R"({"pods":"0","requests.cpu":"0"})");
  EXPECT_EQ(create("Pod", "a", pod_spec("requests: {cpu: 1}")), "");
  EXPECT_EQ(used("q"), R"({"pods":"1","requests.cpu":"1"})");
  EXPECT_EQ(create("Pod", "b", pod_spec("requests: {cpu: 1}")),
            "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=1, used: "
            "requests.cpu=1, limited: requests.cpu=1500m");
  EXPECT_EQ(create("Pod", "b", pod_spec("")),
            "pods \"b\" is forbidden: failed quota: q: must specify requests.cpu for: c");
  EXPECT_EQ(create("Pod", "b", pod_spec("requests: {cpu: 500m}")), "");
  EXPECT_EQ(used("q"), R"({"pods":"2","requests.cpu":"1500m"})");
}

TEST_F(ResourceQuotaTest, NoTwoRequestsShareTheLastPlace) {
  make_quota("q", R"({"configmaps":"7"})", R"({"configmaps":"0"})");
  Gate gate(loop_);
  int made = 0;
  auto one = [](ApiServer& server, int number, int& count) -> Task<void> {
    net::Request request;
    request.method = "POST";
    request.path = std::string(kNamespace) + "configmaps";
    request.body = R"({"metadata":{"name":"m)" + std::to_string(number) + "\"}}";
    request.headers.set("content-type", "application/json");
    net::Response response = co_await server.handle(std::move(request));
    count += response.status == 201 ? 1 : 0;
  };
  for (int i = 0; i < 20; ++i) gate.spawn(one(server_, i, made));
  loop_.run(gate.close());
  EXPECT_EQ(made, 7);
  EXPECT_EQ(used("q"), R"({"configmaps":"7"})");
}

TEST_F(ResourceQuotaTest, StatusMustBeKnown) {
  ASSERT_EQ(create("ResourceQuota", "q", "spec: {hard: {configmaps: 1}}"), "");
  EXPECT_EQ(create("ConfigMap", "m", ""), "");  // no hard limits in force yet
  Reply reply = ask("PATCH", std::string(kNamespace) + "resourcequotas/q/status",
                    R"({"status":{"hard":{"configmaps":"1"}}})", "application/merge-patch+json");
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(create("ConfigMap", "m2", ""),
            "configmaps \"m2\" is forbidden: status unknown for quota: q, resources: configmaps");
}

TEST_F(ResourceQuotaTest, UpdatesPayTheDifference) {
  make_quota("q", R"({"services":"5","services.nodeports":"2","count/services":"9"})",
             R"({"services":"0","services.nodeports":"0","count/services":"0"})");
  EXPECT_EQ(create("Service", "s", "spec: {ports: [{port: 1}, {name: b, port: 2}]}"),
            "Service \"s\" is invalid: spec.ports[0].name: Required value");
  EXPECT_EQ(create("Service", "s", "spec: {ports: [{name: a, port: 1}, {name: b, port: 2}]}"), "");
  Reply reply = ask("PATCH", std::string(kNamespace) + "services/s",
                    R"({"spec":{"type":"NodePort"}})", "application/merge-patch+json");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(used("q"), HasSubstr(R"("services":"1","services.nodeports":"2")"));
  EXPECT_THAT(create("Service", "t", "spec: {type: NodePort, ports: [{port: 1}]}"),
              HasSubstr("requested: services.nodeports=1, used: services.nodeports=2, limited: "
                        "services.nodeports=2"));
}

TEST_F(ResourceQuotaTest, ScopesChooseThePods) {
  make_quota("best", R"({"pods":"0"})", R"({"pods":"0"})", ", scopes: [BestEffort]");
  make_quota("high", R"({"pods":"0"})", R"({"pods":"0"})",
             ", scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, "
             "values: [system-node-critical]}]}");
  EXPECT_THAT(create("Pod", "a", pod_spec("")), HasSubstr("exceeded quota: best"));
  EXPECT_EQ(create("Pod", "a", pod_spec("requests: {cpu: 1}")), "");
  EXPECT_THAT(create("Pod", "b",
                     pod_spec("requests: {cpu: 1}", ", priorityClassName: system-node-critical")),
              HasSubstr("exceeded quota: high"));
}

TEST_F(ResourceQuotaTest, ClaimsByStorageClass) {
  make_quota(
      "q",
      R"({"requests.storage":"3Gi","gold.storageclass.storage.k8s.io/requests.storage":"1Gi"})",
      R"({"requests.storage":"0","gold.storageclass.storage.k8s.io/requests.storage":"0"})");
  auto claim = [&](const std::string& name, const std::string& storage) {
    return create("PersistentVolumeClaim", name,
                  "spec: {storageClassName: gold, accessModes: [ReadWriteOnce], resources: "
                  "{requests: {storage: " +
                      storage + "}}}");
  };
  EXPECT_EQ(claim("a", "1Gi"), "");
  EXPECT_THAT(claim("b", "1"),
              HasSubstr("limited: gold.storageclass.storage.k8s.io/requests.storage=1Gi"));
}

TEST_F(ResourceQuotaTest, DryRunChargesNothing) {
  make_quota("q", R"({"count/configmaps":"1"})", R"({"count/configmaps":"0"})");
  Reply reply = ask("POST", std::string(kNamespace) + "configmaps?dryRun=All",
                    R"({"metadata":{"name":"m"}})");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(used("q"), R"({"count/configmaps":"0"})");
}

TEST_F(ResourceQuotaTest, NamespaceLabelsWarnOfItsPods) {
  ASSERT_EQ(create("Pod", "a", "spec: {hostNetwork: true, containers: [{name: c, image: i}]}"), "");
  ASSERT_EQ(create("Pod", "b", "spec: {hostNetwork: true, containers: [{name: c, image: i}]}"), "");
  Reply reply = ask("PATCH", "/api/v1/namespaces/default",
                    R"({"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"baseline"}}})",
                    "application/merge-patch+json");
  EXPECT_EQ(reply.status, 200);
  std::string warnings;
  for (const auto& entry : reply.headers.entries()) {
    if (entry.name == "warning") warnings += entry.value + "\n";
  }
  EXPECT_EQ(warnings,
            "299 - \"existing pods in namespace \\\"default\\\" violate the new PodSecurity "
            "enforce level \\\"baseline:latest\\\"\"\n299 - \"a (and 1 other pod): host "
            "namespaces\"\n");
  EXPECT_EQ(create("Pod", "c", "spec: {hostPID: true, containers: [{name: c, image: i}]}"),
            "pods \"c\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces "
            "(hostPID=true)");
}

}  // namespace
}  // namespace tiphys::apiserver
