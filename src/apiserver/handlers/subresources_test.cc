#include "apiserver/api_server_fixture.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kMerge[] = "application/merge-patch+json";
constexpr char kPods[] = "/api/v1/namespaces/default/pods";
constexpr char kPod[] = "/api/v1/namespaces/default/pods/p";
constexpr char kBudgets[] = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
constexpr char kDeployment[] = "/apis/apps/v1/namespaces/default/deployments/d";

class SubresourcesTest : public ApiServerTest {
 protected:
  void make_pod(std::string more = "", std::string resources = "{}") {
    Reply made =
        ask("POST", kPods,
            R"({"metadata":{"name":"p","labels":{"app":"a"}},"spec":{)" + more +
                R"("containers":[{"name":"c","image":"i","resources":)" + resources + "}]}}");
    ASSERT_EQ(made.status, 201) << made.body;
  }
  void set_status(std::string status) {
    Reply set = ask("PATCH", std::string(kPod) + "/status", R"({"status":)" + status + "}", kMerge);
    ASSERT_EQ(set.status, 200) << set.body;
  }
  void run_pod(std::string ready) {
    set_status(R"({"phase":"Running","conditions":[{"type":"Ready","status":")" + ready +
               R"("}]})");
  }
  void make_budget(std::string spec, std::string status, std::string name = "b") {
    Reply made = ask("POST", kBudgets,
                     R"({"metadata":{"name":")" + name +
                         R"("},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"a"}})" +
                         spec + "}}");
    ASSERT_EQ(made.status, 201) << made.body;
    Reply set = ask("PATCH", std::string(kBudgets) + "/" + name + "/status",
                    R"({"status":)" + status + "}", kMerge);
    ASSERT_EQ(set.status, 200) << set.body;
  }
  Reply evict(std::string more = "", std::string api = "policy/v1") {
    return ask(
        "POST", std::string(kPod) + "/eviction",
        R"({"apiVersion":")" + api + R"(","kind":"Eviction","metadata":{"name":"p"})" + more + "}");
  }
  Reply bind(std::string metadata = "", std::string target = R"({"name":"n"})") {
    return ask("POST", std::string(kPod) + "/binding",
               R"({"metadata":{"name":"p")" + metadata + R"(},"target":)" + target + "}");
  }
  void make_deployment() {
    Reply made = ask("POST", "/apis/apps/v1/namespaces/default/deployments",
                     R"({"metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":)"
                     R"({"z":"1","app":"a"},"matchExpressions":[{"key":"k","operator":"In",)"
                     R"("values":["b","a"]}]},"template":{"metadata":{"labels":{"app":"a","z":"1",)"
                     R"("k":"a"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
    ASSERT_EQ(made.status, 201) << made.body;
  }
};

TEST_F(SubresourcesTest, a_scale_shows_and_changes_the_replicas) {
  make_deployment();
  std::string path = std::string(kDeployment) + "/scale";
  Reply got = ask("GET", path);
  EXPECT_EQ(at(got.body, {"spec", "replicas"}), "1");
  EXPECT_EQ(at(got.body, {"status", "selector"}), "app=a,k in (a,b),z=1");
  EXPECT_EQ(at(got.body, {"metadata", "managedFields"}), "<none>");
  for (const char* type : {kMerge, "application/strategic-merge-patch+json"}) {
    EXPECT_EQ(ask("PATCH", path, R"({"spec":{"replicas":3}})", type).status, 200) << type;
  }
  Reply object = ask("GET", kDeployment);
  EXPECT_EQ(at(object.body, {"spec", "replicas"}), "3");
  EXPECT_EQ(at(object.body, {"metadata", "generation"}), "2");
  EXPECT_THAT(object.body, HasSubstr(R"("subresource":"scale")"));
  EXPECT_EQ(ask("PATCH", path, "{}", "text/plain").status, 415);
  Reply bad = ask("PATCH", path, R"({"spec":{"replicas":-1}})", kMerge);
  EXPECT_EQ(bad.status, 422);
  EXPECT_THAT(at(bad.body, {"message"}), HasSubstr("Scale.autoscaling \"d\" is invalid"));
  Reply test = ask("PATCH", path, R"([{"op":"test","path":"/kind","value":"Scale"}])",
                   "application/json-patch+json");
  EXPECT_EQ(test.status, 200) << test.body;
}

TEST_F(SubresourcesTest, a_status_write_keeps_the_rest) {
  make_deployment();
  Reply set = ask("PATCH", std::string(kDeployment) + "/status",
                  R"({"metadata":{"labels":{"l":"1"},"annotations":{"a":"1"}},)"
                  R"("spec":{"replicas":9},"status":{"replicas":4}})",
                  kMerge);
  EXPECT_EQ(at(set.body, {"metadata", "labels"}), "<none>");
  EXPECT_EQ(at(set.body, {"metadata", "annotations", "a"}), "1");
  EXPECT_EQ(at(set.body, {"spec", "replicas"}), "1");
  EXPECT_EQ(at(set.body, {"status", "replicas"}), "4");
  EXPECT_THAT(set.body, testing::Not(HasSubstr(R"("f:l":{})")));
  EXPECT_THAT(set.body, HasSubstr(R"("f:annotations":{".":{},"f:a":{}})"));
}

TEST_F(SubresourcesTest, a_binding_assigns_once) {
  make_pod();
  EXPECT_EQ(bind("", R"({"kind":"Nope","name":"n"})").status, 500);
  Reply other = bind(R"(,"uid":"11111111-2222-3333-4444-555555555555")");
  EXPECT_EQ(other.status, 409);
  EXPECT_THAT(at(other.body, {"message"}), HasSubstr("Precondition failed: UID in precondition"));
  EXPECT_EQ(bind(R"(,"annotations":{"x":"1"},"labels":{"zone":"z","app":"other"})").status, 201);
  Reply pod = ask("GET", kPod);
  EXPECT_EQ(at(pod.body, {"spec", "nodeName"}), "n");
  EXPECT_EQ(at(pod.body, {"metadata", "annotations", "x"}), "1");
  EXPECT_EQ(at(pod.body, {"metadata", "labels"}), R"({"app":"other","zone":"z"})");
  EXPECT_EQ(at(pod.body, {"metadata", "generation"}), "1");
  EXPECT_THAT(pod.body, HasSubstr(R"("type":"PodScheduled","status":"True")"));
  Reply again = bind();
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(at(again.body, {"message"}),
            "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to "
            "node \"n\"");
}

TEST_F(SubresourcesTest, a_gated_pod_is_not_bound) {
  make_pod(R"("schedulingGates":[{"name":"example.com/wait"}],)");
  EXPECT_THAT(at(bind().body, {"message"}), HasSubstr("pod p has non-empty .spec.schedulingGates"));
}

TEST_F(SubresourcesTest, an_eviction_takes_a_disruption) {
  make_pod(R"("nodeName":"n",)");
  run_pod("True");
  make_budget("", R"({"observedGeneration":1,"disruptionsAllowed":1,"currentHealthy":2,)"
                  R"("desiredHealthy":1,"expectedPods":2})");
  EXPECT_EQ(evict(R"(,"deleteOptions":{"dryRun":["All"]})").status, 201);
  EXPECT_EQ(at(ask("GET", kPod).body, {"metadata", "deletionTimestamp"}), "<none>");
  EXPECT_EQ(evict("", "policy/v1beta1").status, 201);
  Reply pod = ask("GET", kPod);
  EXPECT_NE(at(pod.body, {"metadata", "deletionTimestamp"}), "<none>");
  EXPECT_THAT(pod.body, HasSubstr(R"("type":"DisruptionTarget","status":"True")"));
  EXPECT_THAT(pod.body, HasSubstr(R"("reason":"EvictionByEvictionAPI")"));
  Reply budget = ask("GET", std::string(kBudgets) + "/b");
  EXPECT_EQ(at(budget.body, {"status", "disruptionsAllowed"}), "0");
  EXPECT_NE(at(budget.body, {"status", "disruptedPods", "p"}), "<none>");
  EXPECT_THAT(budget.body, HasSubstr("InsufficientPods"));
}

TEST_F(SubresourcesTest, an_exhausted_budget_refuses) {
  make_pod(R"("nodeName":"n",)");
  run_pod("True");
  make_budget("", R"({"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":1,)"
                  R"("desiredHealthy":1,"expectedPods":1})");
  Reply refused = evict();
  EXPECT_EQ(refused.status, 429);
  EXPECT_FALSE(refused.headers.has("retry-after"));
  EXPECT_THAT(refused.body, HasSubstr("The disruption budget b needs 1 healthy pods and has 1 "
                                      "currently"));
  ask("PATCH", std::string(kBudgets) + "/b", R"({"spec":{"minAvailable":2}})", kMerge);
  Reply stale = evict();
  EXPECT_EQ(stale.status, 429);
  EXPECT_EQ(stale.headers.get("retry-after"), "10");
  EXPECT_THAT(stale.body, HasSubstr("The disruption budget b is still being processed"));
}

TEST_F(SubresourcesTest, an_unready_pod_goes_if_the_policy_allows) {
  make_pod(R"("nodeName":"n",)");
  run_pod("False");
  make_budget("", R"({"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":0,)"
                  R"("desiredHealthy":1,"expectedPods":1})");
  EXPECT_EQ(evict().status, 429);
  Reply set = ask("PATCH", std::string(kBudgets) + "/b",
                  R"({"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}})", kMerge);
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(evict().status, 201);
}

TEST_F(SubresourcesTest, two_budgets_are_an_error_unless_the_pod_has_ended) {
  make_pod(R"("nodeName":"n",)");
  run_pod("True");
  for (const char* name : {"a", "b"}) make_budget("", R"({"observedGeneration":1})", name);
  Reply refused = evict();
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(at(refused.body, {"message"}), HasSubstr("more than one PodDisruptionBudget"));
  set_status(R"({"phase":"Failed"})");
  EXPECT_EQ(evict().status, 201);
  EXPECT_EQ(ask("GET", kPod).status, 404);
}

TEST_F(SubresourcesTest, ephemeral_containers_are_only_added) {
  make_pod();
  std::string path = std::string(kPod) + "/ephemeralcontainers";
  auto patch = [&](std::string containers) {
    return ask("PATCH", path, R"({"spec":{"ephemeralContainers":)" + containers + "}}", kMerge);
  };
  Reply added = ask("PATCH", path,
                    R"({"metadata":{"labels":{"dropped":"1"}},"spec":{"hostNetwork":true,)"
                    R"("ephemeralContainers":[{"name":"d","image":"i"}]}})",
                    kMerge);
  ASSERT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(at(added.body, {"metadata", "labels"}), R"({"app":"a"})");
  EXPECT_EQ(at(added.body, {"spec", "hostNetwork"}), "<none>");
  EXPECT_EQ(at(added.body, {"metadata", "generation"}), "2");
  EXPECT_THAT(added.body, HasSubstr(R"("fieldsV1":{"f:spec":{"f:ephemeralContainers":{)"));
  EXPECT_THAT(added.body, testing::Not(HasSubstr("f:dropped")));
  EXPECT_THAT(patch("[]").body,
              HasSubstr(R"(existing ephemeral containers \"d\" may not be removed)"));
  EXPECT_THAT(patch(R"([{"name":"d","image":"other"}])").body,
              HasSubstr(R"(existing ephemeral containers \"d\" may not be changed)"));
}

TEST_F(SubresourcesTest, a_resize_changes_cpu_and_memory_only) {
  make_pod("", R"({"requests":{"cpu":"100m","memory":"1Gi"}})");
  auto resize = [&](std::string resources, std::string more = "") {
    return ask(
        "PATCH", std::string(kPod) + "/resize",
        R"({"spec":{)" + more + R"("containers":[{"name":"c","resources":)" + resources + "}]}}",
        "application/strategic-merge-patch+json");
  };
  Reply done = resize(R"({"requests":{"cpu":"200m"}})", R"("priority":7,)");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_THAT(done.body, HasSubstr(R"("cpu":"200m")"));
  EXPECT_EQ(at(done.body, {"spec", "priority"}), at(ask("GET", kPod).body, {"spec", "priority"}));
  EXPECT_EQ(at(done.body, {"metadata", "generation"}), "2");
  Reply more = ask("PATCH", std::string(kPod) + "/resize",
                   R"({"spec":{"containers":[{"name":"x","image":"i"}]}})",
                   "application/strategic-merge-patch+json");
  EXPECT_EQ(more.status, 422);
  EXPECT_THAT(more.body, HasSubstr("containers may not be added or removed on resize"));
  Reply renamed = ask("PATCH", std::string(kPod) + "/resize",
                      R"([{"op":"replace","path":"/spec/containers/0/name","value":"x"}])",
                      "application/json-patch+json");
  EXPECT_THAT(renamed.body, HasSubstr("containers may not be renamed or reordered on resize"));
  EXPECT_THAT(resize(R"({"requests":{"cpu":null}})").body,
              HasSubstr("resource requests cannot be removed"));
  EXPECT_THAT(resize(R"({"requests":{"ephemeral-storage":"1Gi"}})").body,
              HasSubstr("only cpu and memory resources are mutable"));
  EXPECT_THAT(resize(R"({"limits":{"cpu":"200m","memory":"1Gi"}})").body,
              HasSubstr("Pod QOS Class may not change as a result of resizing"));
}

TEST_F(SubresourcesTest, a_namespace_goes_when_its_finalizers_are_gone) {
  Reply made = ask("POST", "/api/v1/namespaces",
                   R"({"metadata":{"name":"x"},"spec":{"finalizers":["example.com/f"]}})");
  EXPECT_EQ(at(made.body, {"spec", "finalizers"}), R"(["example.com/f","kubernetes"])");
  auto finalize = [&](std::string list) {
    return ask("PUT", "/api/v1/namespaces/x/finalize",
               R"({"metadata":{"name":"x"},"spec":{"finalizers":)" + list + "}}");
  };
  EXPECT_EQ(finalize(R"(["odd"])").status, 422);
  Reply gone = ask("DELETE", "/api/v1/namespaces/x");
  EXPECT_EQ(at(gone.body, {"status", "phase"}), "Terminating");
  EXPECT_EQ(ask("DELETE", "/api/v1/namespaces/x").status, 200);
  Reply half = finalize(R"(["example.com/f"])");
  EXPECT_EQ(at(half.body, {"status", "phase"}), "Terminating");
  EXPECT_EQ(finalize("[]").status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/namespaces/x").status, 404);
}

}  // namespace
}  // namespace tiphys::apiserver
