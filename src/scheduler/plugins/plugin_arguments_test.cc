// Each argument of a plugin, by upstream's documented examples.
#include "scheduler/configuration.h"
#include "scheduler/plugins/plugin_test.h"

namespace tiphys::scheduler {
namespace {

class ArgumentsTest : public PluginTest {
 protected:
  // The profile with these arguments of one plugin.
  void configure(const std::string& plugin, const std::string& args) {
    configure_profile("pluginConfig: [{name: " + plugin + ", args: " + args + "}]");
  }
  void configure_profile(const std::string& members) {
    std::string text =
        "apiVersion: kubescheduler.config.k8s.io/v1\n"
        "kind: KubeSchedulerConfiguration\nprofiles:\n- " +
        members + "\n";
    Result<Configuration> config = Configuration::parse(text);
    ASSERT_TRUE(config) << config.error().message();
    Result<void> valid = config->validate();
    ASSERT_TRUE(valid) << valid.error().message();
    Result<std::vector<Profile>> profiles = config->profiles();
    ASSERT_TRUE(profiles) << profiles.error().message();
    profile = profiles->front();
  }
};

constexpr const char* kFit = "NodeResourcesFit";

TEST_F(ArgumentsTest, IgnoredResourcesAreNotCompared) {
  node({.name = "a"});
  PodShape pod{.requests = R"({"example.com/foo":"1","example.org/bar":"1"})"};
  EXPECT_EQ(feasible(pod),
            "0/1 nodes are available: 1 Insufficient example.com/foo, "
            "1 Insufficient example.org/bar.");
  configure(kFit, "{ignoredResources: [example.com/foo]}");
  EXPECT_EQ(feasible(pod), "0/1 nodes are available: 1 Insufficient example.org/bar.");
  configure(kFit, "{ignoredResources: [example.com/foo], ignoredResourceGroups: [example.org]}");
  EXPECT_EQ(feasible(pod), "a");
  configure(kFit, "{ignoredResources: [hugepages-2Mi, cpu]}");
  EXPECT_EQ(feasible({.requests = R"({"cpu":"9","hugepages-2Mi":"2Mi"})"}),
            "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient hugepages-2Mi.")
      << "only extended resources can be ignored";
}

TEST_F(ArgumentsTest, MostAllocated) {
  node({.name = "a", .allocatable = R"({"cpu":"4","memory":"10000","pods":"9"})"});
  node({.name = "b", .allocatable = R"({"cpu":"4","memory":"10000","pods":"9"})"});
  place({.name = "old", .requests = R"({"cpu":"2","memory":"0"})"}, "b");
  configure(kFit, "{scoringStrategy: {type: MostAllocated}}");
  PodShape pod{.requests = R"({"cpu":"1","memory":"5000"})"};
  // a: cpu 1/4, memory 5000/10000; b: cpu 3/4.
  EXPECT_EQ(scores(pod, kFit), (Scores{{"a", 37}, {"b", 62}}));
}

TEST_F(ArgumentsTest, WeightsOfResourcesAndExtendedOnes) {
  std::string room = R"({"cpu":"4","memory":"10000","pods":"9","nvidia.com/gpu":"4"})";
  node({.name = "a", .allocatable = room});
  configure(kFit,
            "{scoringStrategy: {type: LeastAllocated, resources: [{name: cpu, weight: 3}, "
            "{name: memory}, {name: nvidia.com/gpu, weight: 6}]}}");
  // cpu 75 * 3, memory 50 * 1; the pod asks for no gpu: those do not count.
  EXPECT_EQ(scores({.requests = R"({"cpu":"1","memory":"5000"})"}, kFit), (Scores{{"a", 68}}));
  // and gpu 50 * 6.
  EXPECT_EQ(scores({.requests = R"({"cpu":"1","memory":"5000","nvidia.com/gpu":"2"})"}, kFit),
            (Scores{{"a", 57}}));
}

// The example of "Resource Bin Packing" in the documentation.
TEST_F(ArgumentsTest, RequestedToCapacityRatio) {
  configure(kFit,
            "{scoringStrategy: {resources: [{name: intel.com/foo, weight: 5}, "
            "{name: memory, weight: 1}, {name: cpu, weight: 3}], requestedToCapacityRatio: "
            "{shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}, "
            "type: RequestedToCapacityRatio}}");
  node({.name = "one",
        .allocatable = R"({"cpu":"8","memory":"1Gi","pods":"9","intel.com/foo":"4"})"});
  node({.name = "two",
        .allocatable = R"({"cpu":"8","memory":"1Gi","pods":"9","intel.com/foo":"8"})"});
  place({.name = "p1", .requests = R"({"cpu":"1","memory":"256Mi","intel.com/foo":"1"})"}, "one");
  place({.name = "p2", .requests = R"({"cpu":"6","memory":"512Mi","intel.com/foo":"2"})"}, "two");
  PodShape pod{.requests = R"({"cpu":"2","memory":"256Mi","intel.com/foo":"2"})"};
  // one: foo 75 * 5 + memory 50 * 1 + cpu 37 * 3 over 9; two: foo 50 * 5, memory 75, cpu 100 * 3.
  EXPECT_EQ(scores(pod, kFit), (Scores{{"one", 60}, {"two", 69}}));
}

TEST_F(ArgumentsTest, ShapesMayFallAndAreFlatOutside) {
  node({.name = "a", .allocatable = R"({"cpu":"10","memory":"10000","pods":"9"})"});
  auto at = [&](const char* cpu) {
    return scores({.requests = std::string(R"({"cpu":")") + cpu + "\"}"}, kFit)["a"];
  };
  configure(kFit,
            "{scoringStrategy: {resources: [{name: cpu}], type: RequestedToCapacityRatio, "
            "requestedToCapacityRatio: {shape: [{utilization: 20, score: 10}, "
            "{utilization: 60, score: 2}]}}}");
  EXPECT_EQ(at("1"), 100);
  EXPECT_EQ(at("4"), 60);
  EXPECT_EQ(at("9"), 20);
}

TEST_F(ArgumentsTest, BalanceOfChosenResources) {
  constexpr const char* kBalance = "NodeResourcesBalancedAllocation";
  node({.name = "a",
        .allocatable = R"({"cpu":"4","memory":"1000","pods":"9","nvidia.com/gpu":"4"})"});
  PodShape pod{.requests = R"({"cpu":"1","memory":"500","nvidia.com/gpu":"4"})"};
  EXPECT_EQ(scores(pod, kBalance)["a"], 87) << "cpu 0.25, memory 0.5";
  configure(kBalance, "{resources: [{name: cpu}, {name: memory}, {name: nvidia.com/gpu}]}");
  // Fractions 0.25, 0.5, 1: mean 0.583, deviation 0.312.
  EXPECT_EQ(scores(pod, kBalance)["a"], 68);
  EXPECT_TRUE(scores({}, kBalance).empty()) << "best-effort pods are not scored";
}

TEST_F(ArgumentsTest, AddedNodeAffinity) {
  node({.name = "a", .labels = R"("foo":"bar","disk":"ssd")"});
  node({.name = "b", .labels = R"("disk":"ssd")"});
  configure("NodeAffinity",
            "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
            "{nodeSelectorTerms: [{matchExpressions: [{key: foo, operator: In, "
            "values: [bar]}]}]}}}");
  EXPECT_EQ(feasible({}), "a");
  EXPECT_EQ(feasible({.spec = R"("nodeSelector":{"disk":"hdd"})"}),
            "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
            "1 node(s) didn't match scheduler-enforced node affinity.");
  configure("NodeAffinity",
            "{addedAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 3, "
            "preference: {matchExpressions: [{key: foo, operator: Exists}]}}]}}");
  EXPECT_EQ(scores({}, "NodeAffinity"), (Scores{{"a", 200}, {"b", 0}}));
}

TEST_F(ArgumentsTest, TermsThatNameDifferentNodesConflict) {
  node({.name = "a"});
  std::string spec =
      R"("affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
      {"nodeSelectorTerms":[{"matchFields":[
        {"key":"metadata.name","operator":"In","values":["a"]},
        {"key":"metadata.name","operator":"In","values":["b"]}]}]}}})";
  EXPECT_EQ(feasible({.spec = spec}), "0/1 nodes are available: pod affinity terms conflict.");
}

std::string affinity_to_web(const char* kind) {
  return std::string(R"("affinity":{"podAffinity":{")") + kind + R"(":[)" +
         (std::string_view(kind).starts_with("preferred") ? R"({"weight":10,"podAffinityTerm":)"
                                                          : "") +
         R"({"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":
         {"app":"web"}}})" +
         (std::string_view(kind).starts_with("preferred") ? "}" : "") + "]}}";
}

TEST_F(ArgumentsTest, HardPodAffinityWeight) {
  node({.name = "a"});
  node({.name = "b"});
  place({.name = "fan", .spec = affinity_to_web("requiredDuringSchedulingIgnoredDuringExecution")},
        "a");
  PodShape web{.labels = R"({"app":"web"})"};
  EXPECT_EQ(scores(web, "InterPodAffinity"), (Scores{{"a", 200}, {"b", 0}}));
  configure("InterPodAffinity", "{hardPodAffinityWeight: 0}");
  EXPECT_TRUE(scores(web, "InterPodAffinity").empty());
  // The fan that only prefers weighs 10, the one that requires 20.
  place({.name = "friend",
         .spec = affinity_to_web("preferredDuringSchedulingIgnoredDuringExecution")},
        "b");
  configure("InterPodAffinity", "{hardPodAffinityWeight: 20}");
  EXPECT_EQ(scores(web, "InterPodAffinity"), (Scores{{"a", 200}, {"b", 0}}));
  configure("InterPodAffinity", "{hardPodAffinityWeight: 5}");
  EXPECT_EQ(scores(web, "InterPodAffinity"), (Scores{{"a", 0}, {"b", 200}}));
}

TEST_F(ArgumentsTest, PreferencesOfExistingPodsMayBeIgnored) {
  node({.name = "a"});
  node({.name = "b"});
  std::string prefers = affinity_to_web("preferredDuringSchedulingIgnoredDuringExecution");
  place({.name = "fan", .spec = prefers}, "b");
  place({.name = "web", .labels = R"({"app":"web"})"}, "a");
  configure("InterPodAffinity", "{ignorePreferredTermsOfExistingPods: true}");
  EXPECT_TRUE(scores({.labels = R"({"app":"web"})"}, "InterPodAffinity").empty());
  EXPECT_EQ(scores({.spec = prefers}, "InterPodAffinity"), (Scores{{"a", 200}, {"b", 0}}))
      << "preferences of its own count";
}

class SpreadArgumentsTest : public ArgumentsTest {
 protected:
  SpreadArgumentsTest() {
    node({.name = "a", .labels = R"("rack":"1")"});
    node({.name = "b", .labels = R"("rack":"2")"});
    node({.name = "c"});
    snapshot.set_owner(nullptr,
                       object_of("Service", R"({"apiVersion":"v1","kind":"Service","metadata":{
          "name":"web","namespace":"default"},"spec":{"selector":{"app":"web"}}})"));
    place({.name = "w1", .labels = R"({"app":"web"})"}, "a");
  }
  PodShape pod{.labels = R"({"app":"web"})"};
};

TEST_F(SpreadArgumentsTest, ListOfConstraints) {
  configure("PodTopologySpread",
            "{defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: rack, "
            "whenUnsatisfiable: ScheduleAnyway}]}");
  EXPECT_EQ(scores(pod, "PodTopologySpread"), (Scores{{"a", 0}, {"b", 200}, {"c", 0}}))
      << "a node without the label is ignored";
  EXPECT_TRUE(scores({.labels = R"({"app":"other"})"}, "PodTopologySpread").empty());
}

TEST_F(SpreadArgumentsTest, DefaultConstraintsMayFilter) {
  configure("PodTopologySpread",
            "{defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: rack, "
            "whenUnsatisfiable: DoNotSchedule}]}");
  EXPECT_EQ(feasible(pod), "b");
  EXPECT_EQ(feasible({.labels = R"({"app":"other"})"}), "a b c") << "it belongs to nothing";
  PodShape own = pod;
  own.spec =
      R"("topologySpreadConstraints":[{"maxSkew":5,"topologyKey":"rack",
      "whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}}}])";
  EXPECT_EQ(feasible(own), "a b") << "constraints of its own replace them";
}

TEST_F(SpreadArgumentsTest, NoDefaultConstraints) {
  configure("PodTopologySpread", "{defaultingType: List}");
  EXPECT_TRUE(scores(pod, "PodTopologySpread").empty());
  EXPECT_EQ(feasible(pod), "a b c");
}

TEST_F(ArgumentsTest, DisabledPluginsAreOff) {
  node({.name = "a",
        .spec = R"("unschedulable":true,"taints":[{"key":"x","effect":"NoSchedule"}])"});
  EXPECT_EQ(feasible({}).substr(0, 3), "0/1");
  configure_profile(
      "plugins: {filter: {disabled: [{name: TaintToleration}, {name: NodeUnschedulable}]}}");
  EXPECT_EQ(feasible({}), "a");
  configure_profile(
      "plugins: {preScore: {disabled: [{name: '*'}]}, "
      "score: {disabled: [{name: '*'}]}}");
  EXPECT_TRUE(profile.scorers.empty());
}

TEST_F(ArgumentsTest, WeightsOfPlugins) {
  node({.name = "a"});
  configure_profile(
      "plugins: {multiPoint: {enabled: [{name: ImageLocality, weight: 7}]}, "
      "score: {enabled: [{name: TaintToleration, weight: 9}]}}");
  std::map<std::string_view, int64_t> weights;
  for (const auto& [plugin, weight] : profile.scorers) weights[plugin->name] = weight;
  EXPECT_EQ(weights["ImageLocality"], 7);
  EXPECT_EQ(weights["TaintToleration"], 9);
  EXPECT_EQ(weights["NodeAffinity"], 2);
}

}  // namespace
}  // namespace tiphys::scheduler
