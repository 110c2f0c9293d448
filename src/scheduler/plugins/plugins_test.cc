// Each plugin by upstream's documented cases: who fits where, for which reason, and who scores
// best.
#include "scheduler/plugins/plugin_test.h"

namespace tiphys::scheduler {
namespace {

TEST_F(PluginTest, NoNodes) { EXPECT_EQ(feasible({}), "no nodes available to schedule pods"); }

TEST_F(PluginTest, ResourcesMustFitIntoWhatIsLeft) {
  node({.name = "a", .allocatable = R"({"cpu":"2","memory":"4Gi","pods":"2"})"});
  place({.name = "old", .requests = R"({"cpu":"1500m","memory":"1Gi"})"}, "a");
  EXPECT_EQ(feasible({.requests = R"({"cpu":"500m"})"}), "a");
  EXPECT_EQ(feasible({.requests = R"({"cpu":"501m"})"}),
            "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(feasible({.requests = R"({"cpu":"3","memory":"5Gi","nvidia.com/gpu":"1"})"}),
            "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, "
            "1 Insufficient nvidia.com/gpu.");
  place({.name = "other"}, "a");
  EXPECT_EQ(feasible({}), "0/1 nodes are available: 1 Too many pods.");
}

TEST_F(PluginTest, InitContainersSidecarsAndOverheadCount) {
  node({.name = "a", .allocatable = R"({"cpu":"3","memory":"8Gi","pods":"10"})"});
  std::string init = R"("initContainers":[
    {"name":"side","restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},
    {"name":"init","resources":{"requests":{"cpu":"2"}}}])";
  EXPECT_EQ(feasible({.requests = R"({"cpu":"1"})", .spec = init}), "a");  // max(1+1, 1+2) = 3
  EXPECT_EQ(feasible({.requests = R"({"cpu":"1"})", .spec = init + R"(,"overhead":{"cpu":"1m"})"}),
            "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(
      feasible({.requests = R"({"cpu":"9"})", .spec = R"("resources":{"requests":{"cpu":"3"}})"}),
      "a")
      << "pod-level requests count instead";
}

TEST_F(PluginTest, CordonedNodesAndTaints) {
  node({.name = "a", .spec = R"("unschedulable":true)"});
  node({.name = "b", .spec = R"("taints":[{"key":"gpu","value":"yes","effect":"NoSchedule"}])"});
  EXPECT_EQ(feasible({}),
            "0/2 nodes are available: 1 node(s) had untolerated taint(s), "
            "1 node(s) were unschedulable.");
  EXPECT_EQ(feasible({.spec = R"("tolerations":[{"key":"gpu","operator":"Equal","value":"yes"}])"}),
            "b");
  EXPECT_EQ(feasible({.spec = R"("tolerations":[{"operator":"Exists"}])"}), "a b");
  EXPECT_EQ(
      feasible({.spec = R"("tolerations":[{"key":"gpu","value":"no","effect":"NoSchedule"}])"})
          .substr(0, 3),
      "0/2");
}

TEST_F(PluginTest, PreferNoScheduleCostsScore) {
  node({.name = "a", .spec = R"("taints":[{"key":"x","effect":"PreferNoSchedule"}])"});
  node({.name = "b"});
  EXPECT_EQ(scores({}, "TaintToleration"), (Scores{{"a", 0}, {"b", 300}}));
}

TEST_F(PluginTest, NodeSelectorAndAffinity) {
  node({.name = "a", .labels = R"("disk":"ssd","cores":"8")"});
  node({.name = "b", .labels = R"("disk":"hdd","cores":"16")"});
  EXPECT_EQ(feasible({.spec = R"("nodeSelector":{"disk":"ssd"})"}), "a");
  EXPECT_EQ(feasible({.spec = R"("nodeSelector":{"disk":"nvme"})"}),
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.");
  auto affinity = [](const std::string& terms) {
    return R"("affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
      {"nodeSelectorTerms":[)" +
           terms + "]}}}";
  };
  auto expression = [](const std::string& text) {
    return R"({"matchExpressions":[)" + text + "]}";
  };
  EXPECT_EQ(
      feasible({.spec = affinity(expression(R"({"key":"cores","operator":"Gt","values":["8"]})"))}),
      "b");
  EXPECT_EQ(feasible({.spec = affinity(
                          expression(R"({"key":"disk","operator":"NotIn","values":["hdd"]})"))}),
            "a");
  EXPECT_EQ(feasible({.spec = affinity(expression(R"({"key":"disk","operator":"Exists"})"))}),
            "a b");
  EXPECT_EQ(feasible({.spec = affinity("{}")}).substr(0, 3), "0/2")
      << "an empty term selects nothing";
  std::string by_name =
      R"({"matchFields":[{"key":"metadata.name","operator":"In","values":["b"]}]})";
  EXPECT_EQ(feasible({.spec = affinity(by_name)}), "b");
}

TEST_F(PluginTest, DaemonPodsLookAtTheirNodeOnly) {
  for (int i = 0; i < 5; ++i) node({.name = "n" + std::to_string(i)});
  std::string spec =
      R"("affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
      {"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In",
      "values":["n3"]}]}]}}})";
  Decision decision = schedule(*make_pod({.spec = spec}), snapshot, profile, 0, random);
  ASSERT_TRUE(decision.node);
  EXPECT_EQ(decision.node->name, "n3");
  EXPECT_EQ(decision.evaluated, 1);
  decision = schedule(*make_pod({.requests = R"({"cpu":"9"})", .spec = spec}), snapshot, profile, 0,
                      random);
  EXPECT_EQ(decision.diagnosis.message(),
            "0/5 nodes are available: 1 Insufficient cpu, "
            "4 node(s) didn't satisfy plugin(s) [NodeAffinity].");
}

TEST_F(PluginTest, PreferredNodeAffinity) {
  node({.name = "a", .labels = R"("disk":"ssd","zone":"1")"});
  node({.name = "b", .labels = R"("disk":"ssd")"});
  node({.name = "c"});
  auto term = [](const char* weight, const char* key) {
    return std::string(R"({"weight":)") + weight +
           R"(,"preference":{"matchExpressions":[{"key":")" + key + R"(","operator":"Exists"}]}})";
  };
  std::string spec =
      R"("affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[)" +
      term("60", "disk") + "," + term("20", "zone") + "]}}";
  EXPECT_EQ(scores({.spec = spec}, "NodeAffinity"), (Scores{{"a", 200}, {"b", 150}, {"c", 0}}));
}

TEST_F(PluginTest, HostPortsConflictByAddressProtocolAndPort) {
  node({.name = "a"});
  auto port = [](const char* text) { return std::string(R"("ports":[)") + text + "]"; };
  place({.name = "old",
         .container = port(R"({"containerPort":1,"hostPort":80,"hostIP":"10.0.0.1"})")},
        "a");
  auto fits = [&](const char* text) { return feasible({.container = port(text)}) == "a"; };
  EXPECT_FALSE(fits(R"({"containerPort":1,"hostPort":80})"));
  EXPECT_FALSE(fits(R"({"containerPort":1,"hostPort":80,"hostIP":"10.0.0.1"})"));
  EXPECT_TRUE(fits(R"({"containerPort":1,"hostPort":80,"hostIP":"10.0.0.2"})"));
  EXPECT_TRUE(fits(R"({"containerPort":1,"hostPort":80,"protocol":"UDP"})"));
  EXPECT_TRUE(fits(R"({"containerPort":80})"));
  EXPECT_EQ(
      feasible({.container = port(R"({"containerPort":1,"hostPort":80})")}),
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.");
}

TEST_F(PluginTest, NodeNameAndPodsOfUnknownNodes) {
  node({.name = "a"});
  place({.name = "ghost"}, "gone");
  EXPECT_EQ(feasible({.spec = R"("nodeName":"b")"}),
            "0/1 nodes are available: 1 node(s) didn't match the requested node name.");
  EXPECT_EQ(snapshot.nodes().size(), 1u);
  node({.name = "gone"});
  EXPECT_EQ(snapshot.find("gone")->pods.size(), 1u);
}

TEST_F(PluginTest, LeastAllocatedAndBalanced) {
  node({.name = "a", .allocatable = R"({"cpu":"4","memory":"10000","pods":"9"})"});
  node({.name = "b", .allocatable = R"({"cpu":"4","memory":"10000","pods":"9"})"});
  place({.name = "old", .requests = R"({"cpu":"2","memory":"0"})"}, "b");
  PodShape pod{.requests = R"({"cpu":"1","memory":"5000"})"};
  EXPECT_EQ(scores(pod, "NodeResourcesFit"), (Scores{{"a", 62}, {"b", 37}}));
  EXPECT_EQ(scores(pod, "NodeResourcesBalancedAllocation"), (Scores{{"a", 87}, {"b", 87}}));
}

TEST_F(PluginTest, ImagesDrawPods) {
  std::string images = R"("images":[{"names":["nginx:latest"],"sizeBytes":1048576000}])";
  node({.name = "a", .status = images});
  node({.name = "b"});
  EXPECT_EQ(scores({}, "ImageLocality"), (Scores{{"a", 48}, {"b", 0}}));
}

std::string zone(const char* name) {
  return std::string(R"("topology.kubernetes.io/zone":")") + name + "\"";
}

std::string spread(const char* key, const char* when, const char* more = "") {
  return std::string(R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":")") + key +
         R"(","whenUnsatisfiable":")" + when +
         R"(","labelSelector":{"matchLabels":{"app":"web"}})" + more + "}]";
}

TEST_F(PluginTest, HardSpreadKeepsTheSkew) {
  node({.name = "a", .labels = zone("z1")});
  node({.name = "b", .labels = zone("z2")});
  node({.name = "c"});
  std::string web = R"({"app":"web"})";
  place({.name = "w1", .labels = web}, "a");
  std::string spec = spread("topology.kubernetes.io/zone", "DoNotSchedule");
  EXPECT_EQ(feasible({.labels = web, .spec = spec}), "b");
  place({.name = "w2", .labels = web}, "b");
  EXPECT_EQ(feasible({.labels = web, .spec = spec}), "a b");
  place({.name = "w3", .ns = "other", .labels = web}, "b");
  EXPECT_EQ(feasible({.labels = web, .spec = spec}), "a b") << "other namespaces don't count";
  std::string wide = spread("topology.kubernetes.io/zone", "DoNotSchedule", R"(,"minDomains":3)");
  EXPECT_EQ(feasible({.labels = web, .spec = wide}),
            "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints "
            "(missing required label), 2 node(s) didn't match pod topology spread constraints.");
  EXPECT_EQ(
      feasible({.labels = web, .spec = spec + R"(,"nodeSelector":{"kubernetes.io/hostname":"b"})"}),
      "b")
      << "only the nodes that the pod may use count";
}

TEST_F(PluginTest, PoliciesSayWhichNodesCountForSpread) {
  node({.name = "a", .labels = zone("z1")});
  node({.name = "b", .labels = zone("z2") + R"(,"disk":"hdd")"});
  node({.name = "c",
        .labels = zone("z3"),
        .spec = R"("taints":[{"key":"x","effect":"NoSchedule"}])"});
  std::string web = R"({"app":"web"})";
  place({.name = "w1", .labels = web}, "a");
  place({.name = "w2", .labels = web}, "b");
  auto fits = [&](const char* policies, const char* selector = "") {
    std::string spec = spread("topology.kubernetes.io/zone", "DoNotSchedule", policies);
    return feasible({.labels = web, .spec = spec + selector}).substr(0, 3);
  };
  EXPECT_EQ(fits(""), "0/3") << "the empty zone counts, though its node is tainted";
  EXPECT_EQ(fits(R"(,"nodeTaintsPolicy":"Ignore")"), "0/3");
  EXPECT_EQ(fits(R"(,"nodeTaintsPolicy":"Honor")"), "a b");
  const char* hdd = R"(,"nodeSelector":{"disk":"hdd"})";
  EXPECT_EQ(fits("", hdd), "b") << "only the nodes it may use count";
  EXPECT_EQ(fits(R"(,"nodeAffinityPolicy":"Ignore")", hdd), "0/3");
}

TEST_F(PluginTest, MatchLabelKeysOfSpreadTakeThePodsOwnValues) {
  node({.name = "a", .labels = zone("z1")});
  node({.name = "b", .labels = zone("z2")});
  place({.name = "old", .labels = R"({"app":"web","rev":"1"})"}, "a");
  auto fits = [&](const char* revision, const char* keys) {
    return feasible({.labels = std::string(R"({"app":"web","rev":")") + revision + "\"}",
                     .spec = spread("topology.kubernetes.io/zone", "DoNotSchedule", keys)});
  };
  const char* keys = R"(,"matchLabelKeys":["rev","absent"])";
  EXPECT_EQ(fits("1", keys), "b");
  EXPECT_EQ(fits("2", keys), "a b") << "another revision spreads by itself";
  EXPECT_EQ(fits("2", ""), "b");
}

TEST_F(PluginTest, TerminatingPodsDontCountForSpread) {
  node({.name = "a"});
  node({.name = "b"});
  place({.name = "w1",
         .labels = R"({"app":"web"})",
         .metadata = R"("deletionTimestamp":"2026-01-01T00:00:00Z")"},
        "a");
  EXPECT_EQ(feasible({.labels = R"({"app":"web"})",
                      .spec = spread("kubernetes.io/hostname", "DoNotSchedule")}),
            "a b");
}

TEST_F(PluginTest, SoftSpreadScoresTheEmptierDomain) {
  node({.name = "a", .labels = zone("z1")});
  node({.name = "b", .labels = zone("z2")});
  place({.name = "w1", .labels = R"({"app":"web"})"}, "a");
  EXPECT_EQ(scores({.labels = R"({"app":"web"})",
                    .spec = spread("topology.kubernetes.io/zone", "ScheduleAnyway")},
                   "PodTopologySpread"),
            (Scores{{"a", 0}, {"b", 200}}));
}

TEST_F(PluginTest, PodsOfAControllerSpreadByDefault) {
  node({.name = "a"});
  node({.name = "b"});
  snapshot.set_owner(
      nullptr, object_of("ReplicaSet",
                         R"({"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web",
          "namespace":"default"},"spec":{"selector":{"matchLabels":{"app":"web"}}}})",
                         "apps"));
  PodShape pod{
      .labels = R"({"app":"web"})",
      .metadata =
          R"("ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"u",
         "controller":true}])"};
  place({.name = "w1", .labels = R"({"app":"web"})"}, "a");
  Scores found = scores(pod, "PodTopologySpread");
  EXPECT_GT(found["b"], found["a"]);
  pod.metadata.clear();
  EXPECT_TRUE(scores(pod, "PodTopologySpread").empty()) << "belongs to nobody";
}

std::string affinity(const char* kind, const char* key, const char* app) {
  return std::string(R"("affinity":{")") + kind +
         R"(":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":")" + key +
         R"(","labelSelector":{"matchLabels":{"app":")" + app + R"("}}}]}})";
}

TEST_F(PluginTest, PodAffinityAndTheFirstOfItsGroup) {
  node({.name = "a", .labels = zone("z1")});
  node({.name = "b", .labels = zone("z1")});
  node({.name = "c", .labels = zone("z2")});
  node({.name = "d"});
  const char* key = "topology.kubernetes.io/zone";
  PodShape lonely{.labels = R"({"app":"web"})", .spec = affinity("podAffinity", key, "web")};
  EXPECT_EQ(feasible(lonely), "a b c") << "the first may go anywhere that has the label";
  EXPECT_EQ(feasible({.spec = affinity("podAffinity", key, "web")}),
            "0/4 nodes are available: 4 node(s) didn't match pod affinity rules.");
  place({.name = "w1", .labels = R"({"app":"web"})"}, "a");
  EXPECT_EQ(feasible(lonely), "a b");
  EXPECT_EQ(feasible({.spec = affinity("podAffinity", key, "web")}), "a b");
}

TEST_F(PluginTest, AntiAffinityWorksBothWays) {
  node({.name = "a"});
  node({.name = "b"});
  const char* host = "kubernetes.io/hostname";
  place(
      {.name = "db", .labels = R"({"app":"db"})", .spec = affinity("podAntiAffinity", host, "web")},
      "a");
  EXPECT_EQ(feasible({.labels = R"({"app":"web"})"}), "b") << "who is there doesn't want it";
  EXPECT_EQ(feasible({.spec = affinity("podAntiAffinity", host, "db")}), "b");
  place({.name = "db2", .labels = R"({"app":"db"})"}, "b");
  EXPECT_EQ(
      feasible({.labels = R"({"app":"web"})", .spec = affinity("podAntiAffinity", host, "db")}),
      "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.");
  snapshot.remove_pod("uid-default-db2", "b");
  EXPECT_EQ(
      feasible({.labels = R"({"app":"web"})", .spec = affinity("podAntiAffinity", host, "db")}),
      "b");
  snapshot.remove_pod("uid-default-db", "a");
  EXPECT_EQ(feasible({.labels = R"({"app":"web"})"}), "a b");
}

TEST_F(PluginTest, NamespaceSelectorsOfTerms) {
  node({.name = "a"});
  auto ns = [&](const char* name, const char* labels) {
    snapshot.set_namespace(
        name,
        object_of("Namespace",
                  std::string(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":")") +
                      name + R"(","labels":)" + labels + "}}"));
  };
  ns("other", R"({"team":"x"})");
  place({.name = "db", .ns = "other", .labels = R"({"app":"db"})"}, "a");
  std::string spec =
      R"("affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
    [{"topologyKey":"kubernetes.io/hostname","labelSelector":{},
      "namespaceSelector":{"matchLabels":{"team":"x"}}}]}})";
  EXPECT_EQ(feasible({.spec = spec}).substr(0, 3), "0/1");
  ns("other", R"({"team":"y"})");
  EXPECT_EQ(feasible({.spec = spec}), "a");
}

TEST_F(PluginTest, PreferredPodAffinityScores) {
  node({.name = "a"});
  node({.name = "b"});
  place({.name = "w1", .labels = R"({"app":"web"})"}, "a");
  std::string spec =
      R"("affinity":{"podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":
    [{"weight":50,"podAffinityTerm":{"topologyKey":"kubernetes.io/hostname",
      "labelSelector":{"matchLabels":{"app":"web"}}}}]}})";
  EXPECT_EQ(scores({.spec = spec}, "InterPodAffinity"), (Scores{{"a", 200}, {"b", 0}}));
  place({.name = "fan", .labels = R"({"app":"fan"})", .spec = spec}, "b");
  EXPECT_EQ(scores({.labels = R"({"app":"web"})"}, "InterPodAffinity"),
            (Scores{{"a", 0}, {"b", 200}}))
      << "who is there would like it near";
}

}  // namespace
}  // namespace tiphys::scheduler
