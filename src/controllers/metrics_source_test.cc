#include "controllers/metrics_source.h"

#include <gtest/gtest.h>

#include <map>

#include "async/sim_loop.h"
#include "controllers/resource_mapper.h"

namespace tiphys::controllers {
namespace {

// Answers GETs with texts by path (and query); 404 for others.
class Texts : public client::Transport {
 public:
  Task<Result<client::Response>> send(client::Request request) override {
    std::string target = request.path;
    if (!request.query.empty()) target += "?" + request.query;
    auto found = answers.find(target);
    if (found == answers.end()) co_return ApiStatus(404, "NotFound", "404 page not found");
    client::Response response;
    response.body = found->second;
    co_return response;
  }
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request) override {
    co_return ApiStatus::internal("nothing is watched here");
  }
  std::map<std::string, std::string> answers;
};

struct World {
  SimLoop loop;
  Texts api;
  client::Client client{api, "test"};
  ApiMetrics metrics{client};
};

constexpr std::string_view kUsage = "/apis/metrics.k8s.io/v1beta1/namespaces/n/pods";
constexpr std::string_view kCustom = "/apis/custom.metrics.k8s.io";

std::string problem(const auto& result) { return result ? "" : result.error().message(); }

TEST(MetricsSource, reads_usage_of_pods_and_containers) {
  World world;
  world.api.answers[std::string(kUsage) + "?labelSelector=a%3Db"] = R"({"items": [
    {"metadata": {"name": "p", "namespace": "n"}, "timestamp": "2026-01-02T03:04:05Z",
     "window": "30s", "containers": [{"name": "a", "usage": {"cpu": "100m", "memory": "1Ki"}},
                                     {"name": "b", "usage": {"cpu": "1"}}]},
    {"metadata": {"name": "q"}, "containers": [{"name": "a", "usage": {}}]},
    {"metadata": {"name": "r"}}]})";
  auto usage = world.loop.run(world.metrics.resource_usage("cpu", "n", "a=b", ""));
  ASSERT_TRUE(usage) << usage.error().message();
  ASSERT_EQ(usage->size(), 1u);  // what lacks a sample has none
  PodMetric metric = usage->at("p");
  EXPECT_EQ(metric.value, 1100);
  EXPECT_EQ(metric.window, std::chrono::seconds(30));
  EXPECT_EQ(metric.timestamp, *parse_rfc3339("2026-01-02T03:04:05Z"));
  auto memory = world.loop.run(world.metrics.resource_usage("memory", "n", "a=b", "a"));
  EXPECT_EQ(problem(memory),
            "failed to get container metrics: container a not present in metrics for pod /r");
}

TEST(MetricsSource, reads_custom_metrics_of_either_version) {
  World world;
  std::string group(kCustom);
  world.api.answers[group] = R"({"versions": [{"version": "v1beta1"}, {"version": "v9"}]})";
  world.api.answers[group + "/v1beta1/namespaces/n/pods/*/hits"] = R"({"items": [
    {"describedObject": {"name": "p"}, "window": 20, "value": "5"}]})";
  auto found = world.loop.run(world.metrics.pods_metric("hits", "n", "", ""));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->at("p").value, 5000);
  EXPECT_EQ(found->at("p").window, std::chrono::seconds(20));
  world.api.answers[group] = R"({"versions": [{"version": "v1beta1"}, {"version": "v1beta2"}]})";
  std::string ns = group + "/v1beta2/namespaces/n/";
  world.api.answers[ns + "ingresses.networking.k8s.io/i/hits"] =
      R"({"items": [{"value": "1500m"}]})";
  world.api.answers[ns + "metrics/hits"] = R"({"items": [{}, {}]})";
  auto ask = [&](MetricsSource::Described object) {
    return world.loop.run(world.metrics.object_metric("hits", "n", object, ""));
  };
  EXPECT_EQ(ask({"networking.k8s.io", "Ingress", "i"}).value_or(0), 1500);
  std::string prefix = "unable to fetch metrics from custom metrics API: ";
  EXPECT_EQ(problem(ask({"", "Namespace", "n"})),
            prefix +
                "the custom metrics API server returned 2 results when we asked for exactly "
                "one");
  EXPECT_EQ(problem(ask({"", "Rocket", "r"})),
            prefix +
                "unable to map kind Rocket to resource: no matches for kind \"Rocket\" in "
                "group \"\"");
  world.api.answers[group] = R"({"versions": [{"version": "v9"}]})";
  EXPECT_EQ(problem(ask({"", "Namespace", "n"})),
            prefix + "no known available metric versions found");
}

TEST(MetricsSource, survives_answers_that_are_none) {
  World world;
  std::string external = "/apis/external.metrics.k8s.io/v1beta1/namespaces/n/q";
  for (const char* text : {"", "{", "[]", "[1,2]", "5", "{\"items\": 7}", "{\"items\": [7, \"x\"]}",
                           "{\"items\": {\"a\": 1}}", "{\"items\": [{\"containers\": [[]]}]}"}) {
    world.api.answers[std::string(kUsage)] = text;
    world.api.answers[external] = text;
    (void)world.loop.run(world.metrics.resource_usage("cpu", "n", "", ""));
    (void)world.loop.run(world.metrics.resource_usage("cpu", "n", "", "c"));
    (void)world.loop.run(world.metrics.external_metric("q", "n", ""));
  }
  world.api.answers[external] = R"({"items": []})";
  EXPECT_EQ(problem(world.loop.run(world.metrics.external_metric("q", "n", ""))),
            "no metrics returned from external metrics API");
  world.api.answers.clear();
  EXPECT_EQ(problem(world.loop.run(world.metrics.external_metric("q", "n", ""))),
            "unable to fetch metrics from external metrics API: the server could not find the "
            "requested resource (get q.external.metrics.k8s.io)");
}

TEST(ResourceMapper, finds_custom_resources_by_discovery) {
  World world;
  world.api.answers["/apis/example.com"] = R"({"versions": [{"version": "v1"}, {"version": "v2"}],
    "preferredVersion": {"version": "v2"}})";
  world.api.answers["/apis/example.com/v1"] = R"({"resources": []})";
  world.api.answers["/apis/example.com/v2"] = R"({"resources": [
    {"name": "rockets/scale", "kind": "Rocket"},
    {"name": "rockets", "kind": "Rocket", "namespaced": true}]})";
  auto found = world.loop.run(map_kind(world.client, "example.com", "Rocket"));
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(client::resource_path((*found)[0].view(), "n", "r", "scale"),
            "/apis/example.com/v2/namespaces/n/rockets/r/scale");
  EXPECT_EQ(problem(world.loop.run(map_kind(world.client, "example.com", "Boat"))),
            "no matches for kind \"Boat\" in group \"example.com\"");
  EXPECT_EQ(world.loop.run(map_kind(world.client, "apps", "Deployment"))->front().resource,
            "deployments");
}

}  // namespace
}  // namespace tiphys::controllers
