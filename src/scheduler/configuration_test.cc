// KubeSchedulerConfiguration: decoding, defaults, validation and merging, by upstream's documented
// examples and its words.
#include "scheduler/configuration.h"

#include <gtest/gtest.h>

#include "codec/configuration_file.h"
#include "scheduler/plugin_points.h"

namespace tiphys::scheduler {
namespace {

const std::string kHead =
    "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";

// What is wrong with the text; "": nothing.
std::string parse_error(const std::string& text) {
  Result<Configuration> config = Configuration::parse(text);
  return config ? "" : std::string(config.error().message());
}
std::string error_of(const std::string& members) {
  Result<Configuration> config = Configuration::parse(kHead + members);
  if (!config) return std::string(config.error().message());
  if (Result<void> valid = config->validate(); !valid) return valid.error().message();
  Result<std::vector<Profile>> profiles = config->profiles();
  return profiles ? "" : std::string(profiles.error().message());
}
std::string profile_error(const std::string& members) {
  return error_of("profiles:\n- " + members + "\n");
}
std::string args_error(const std::string& plugin, const std::string& args) {
  return profile_error("pluginConfig: [{name: " + plugin + ", args: " + args + "}]");
}
std::vector<Profile> profiles_of(const std::string& members) {
  Result<Configuration> config = Configuration::parse(kHead + members);
  EXPECT_TRUE(config) << config.error().message();
  if (!config) return {};
  EXPECT_TRUE(config->validate());
  Result<std::vector<Profile>> profiles = config->profiles();
  EXPECT_TRUE(profiles) << profiles.error().message();
  return profiles ? std::move(*profiles) : std::vector<Profile>();
}
std::vector<std::string> names(const std::vector<const Plugin*>& plugins) {
  std::vector<std::string> list;
  for (const Plugin* plugin : plugins) list.emplace_back(plugin->name);
  return list;
}
using Names = std::vector<std::string>;

const std::string kScheme = " in scheme \"pkg/scheduler/apis/config/scheme/scheme.go:30\"";
const std::string kCreating =
    "initializing profiles: creating profile for scheduler name default-scheduler: ";

TEST(Configuration, TypesThatAreNotThere) {
  EXPECT_EQ(parse_error("apiVersion: componentconfig/v1alpha1\nkind: KubeSchedulerConfiguration\n"),
            "no kind \"KubeSchedulerConfiguration\" is registered for version "
            "\"componentconfig/v1alpha1\"" +
                kScheme);
  EXPECT_EQ(parse_error("apiVersion: kubescheduler.config.k8s.io/v1beta3\n"
                        "kind: KubeSchedulerConfiguration\n"),
            "no kind \"KubeSchedulerConfiguration\" is registered for version "
            "\"kubescheduler.config.k8s.io/v1beta3\"" +
                kScheme);
  EXPECT_EQ(parse_error("apiVersion: v1\nkind: Pod\n"),
            "no kind \"Pod\" is registered for version \"v1\"" + kScheme);
  EXPECT_EQ(parse_error("kind: KubeSchedulerConfiguration\n"),
            "Object 'apiVersion' is missing in '{\"kind\":\"KubeSchedulerConfiguration\"}'");
  EXPECT_EQ(parse_error("apiVersion: kubescheduler.config.k8s.io/v1\n"),
            "Object 'Kind' is missing in '{\"apiVersion\":\"kubescheduler.config.k8s.io/v1\"}'");
  EXPECT_EQ(parse_error("apiVersion: kubescheduler.config.k8s.io/v1\nkind: NodeAffinityArgs\n"),
            "couldn't decode as KubeSchedulerConfiguration, got kubescheduler.config.k8s.io/v1, "
            "Kind=NodeAffinityArgs: ");
}

TEST(Configuration, DecodingIsStrict) {
  EXPECT_EQ(error_of("foo: bar\n"), "strict decoding error: unknown field \"foo\"");
  EXPECT_EQ(error_of("leaderElection:\n  leaderElect: true\n  leaderElect: false\n"),
            "strict decoding error: yaml: unmarshal errors:\n"
            "  line 5: key \"leaderElect\" already set in map");
  EXPECT_EQ(parse_error(R"({"apiVersion":"kubescheduler.config.k8s.io/v1",
          "kind":"KubeSchedulerConfiguration","parallelism":1,"parallelism":2})"),
            "strict decoding error: duplicate field \"parallelism\"");
  EXPECT_NE(error_of("parallelism: many\n"), "");
  EXPECT_NE(error_of("profiles: [{percentageOfNodesToScore: 3000000000}]\n"), "");
}

TEST(Configuration, ArgumentsAreDecodedStrictly) {
  EXPECT_EQ(args_error("NodeResourcesFit",
                       "{scoringStrategy: {requestedToCapacityRatio: {shape: "
                       "[{Score: 1, Utilization: 1}]}}}"),
            "strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: "
            "decoding args for plugin NodeResourcesFit: strict decoding error: "
            "unknown field \"scoringStrategy.requestedToCapacityRatio.shape[0].Score\", "
            "unknown field \"scoringStrategy.requestedToCapacityRatio.shape[0].Utilization\"");
  EXPECT_EQ(args_error("DefaultPreemption",
                       "{apiVersion: kubescheduler.config.k8s.io/v1, kind: InterPodAffinityArgs}"),
            "decoding .profiles[0].pluginConfig[0]: args for plugin DefaultPreemption were not of "
            "type DefaultPreemptionArgs.kubescheduler.config.k8s.io, got "
            "InterPodAffinityArgs.kubescheduler.config.k8s.io");
  EXPECT_EQ(args_error("NodeAffinity", "{apiVersion: example.com/v1, kind: NodeAffinityArgs}"),
            "decoding .profiles[0].pluginConfig[0]: decoding args for plugin NodeAffinity: "
            "no kind \"NodeAffinityArgs\" is registered for version \"example.com/v1\"" +
                kScheme);
  EXPECT_EQ(args_error("OutOfTreePlugin", "{anything: [1, 2]}"), "")
      << "arguments of plugins that aren't enabled are nobody's";
}

TEST(Configuration, Defaults) {
  Configuration config = Configuration::defaults();
  auto view = config.view();
  EXPECT_EQ(view.parallelism(), 16);
  EXPECT_EQ(view.pod_initial_backoff_seconds(), 1);
  EXPECT_EQ(view.pod_max_backoff_seconds(), 10);
  EXPECT_TRUE(view.leader_election().leader_elect());
  EXPECT_EQ(view.leader_election().resource_lock(), "leases");
  EXPECT_EQ(view.leader_election().resource_name(), "kube-scheduler");
  EXPECT_EQ(view.leader_election().resource_namespace(), "kube-system");
  EXPECT_EQ(view.leader_election().lease_duration(), 15'000'000'000);
  EXPECT_EQ(view.client_connection().qps(), 50);
  EXPECT_EQ(view.client_connection().burst(), 100);
  EXPECT_TRUE(view.enable_profiling() && view.enable_contention_profiling());
  EXPECT_TRUE(config.validate());
  auto profiles = config.profiles();
  ASSERT_TRUE(profiles);
  ASSERT_EQ(profiles->size(), 1u);
  const Profile& made = profiles->front();
  Profile standard = default_profile();
  EXPECT_EQ(made.scheduler_name, standard.scheduler_name);
  EXPECT_EQ(names(made.filters), names(standard.filters));
  ASSERT_EQ(made.scorers.size(), standard.scorers.size());
  for (size_t i = 0; i < made.scorers.size(); ++i) {
    EXPECT_EQ(made.scorers[i].plugin, standard.scorers[i].plugin);
    EXPECT_EQ(made.scorers[i].weight, standard.scorers[i].weight);
  }
  EXPECT_TRUE(made.preempts && made.holds_gated);
}

TEST(Configuration, WhatIsWrittenReadsTheSame) {
  Configuration config = Configuration::defaults();
  for (const std::string& text : {config.yaml(), config.json()}) {
    Result<Configuration> again = Configuration::parse(text);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->json(), config.json());
  }
  EXPECT_NE(config.yaml().find("kind: NodeResourcesFitArgs"), std::string::npos);
}

TEST(Configuration, FieldErrors) {
  EXPECT_EQ(error_of("parallelism: 0\n"),
            "parallelism: Invalid value: 0: should be an integer value greater than zero");
  EXPECT_EQ(error_of("percentageOfNodesToScore: 101\n"),
            "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]");
  EXPECT_EQ(profile_error("percentageOfNodesToScore: -1"),
            "profiles[0].percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100]");
  EXPECT_EQ(error_of("podInitialBackoffSeconds: 0\npodMaxBackoffSeconds: -1\n"),
            "[podInitialBackoffSeconds: Invalid value: 0: must be greater than 0, "
            "podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to "
            "PodInitialBackoffSeconds]");
  EXPECT_EQ(error_of("clientConnection: {burst: -1}\n"),
            "clientConnection.burst: Invalid value: -1: must be non-negative");
  EXPECT_EQ(error_of("leaderElection: {leaseDuration: 5s}\n"),
            "leaderElection.leaseDuration: Invalid value: \"10s\": LeaseDuration must be greater "
            "than RenewDeadline");
  EXPECT_EQ(error_of("leaderElection: {resourceLock: endpoints}\n"),
            "leaderElection.resourceLock: Invalid value: \"endpoints\": resourceLock value must "
            "be \"leases\"");
  EXPECT_EQ(error_of("leaderElection: {resourceLock: endpoints, leaderElect: false}\n"), "");
  EXPECT_EQ(error_of("profiles: [{}, {schedulerName: a}]\n"),
            "profiles[0].schedulerName: Required value");
  EXPECT_EQ(error_of("profiles: [{schedulerName: a}, {schedulerName: a}]\n"),
            "profiles[1].schedulerName: Duplicate value: {}");
}

TEST(Configuration, QueueSortIsCommon) {
  EXPECT_EQ(error_of("profiles:\n- schedulerName: a\n- schedulerName: b\n  plugins: "
                     "{queueSort: {enabled: [{name: PrioritySort}]}}\n"),
            "profiles[1].plugins.queueSort: Invalid value: "
            "{\"Enabled\":[{\"Name\":\"PrioritySort\",\"Weight\":0}],\"Disabled\":null}: "
            "must be the same for all profiles");
  EXPECT_EQ(profile_error("plugins: {queueSort: {disabled: [{name: '*'}]}}"),
            kCreating +
                "only one queue sort plugin required for profile with scheduler name "
                "\"default-scheduler\", but got 0");
}

TEST(Configuration, PluginsThatCannotBe) {
  EXPECT_EQ(profile_error("plugins: {filter: {enabled: [{name: MyPlugin}]}}"),
            kCreating + "FilterPlugin \"MyPlugin\" does not exist");
  EXPECT_EQ(profile_error("plugins: {multiPoint: {enabled: [{name: MyPlugin}]}}"),
            kCreating + "PreFilterPlugin \"MyPlugin\" does not exist");
  EXPECT_EQ(profile_error("plugins: {score: {enabled: [{name: NodeName}]}}"),
            kCreating + "plugin \"NodeName\" does not extend ScorePlugin plugin");
  EXPECT_EQ(profile_error("plugins: {filter: {enabled: [{name: NodeName}, {name: NodeName}]}}"),
            kCreating + "plugin \"NodeName\" already registered as \"FilterPlugin\"");
  EXPECT_EQ(profile_error("plugins: {multiPoint: {disabled: [{name: '*'}], "
                          "enabled: [{name: NodeName}, {name: NodeName}]}}"),
            kCreating + "plugin \"NodeName\" already registered as \"FilterPlugin\"");
  EXPECT_EQ(profile_error("plugins: {bind: {disabled: [{name: DefaultBinder}]}}"),
            kCreating +
                "at least one bind plugin is needed for profile with scheduler name "
                "\"default-scheduler\"");
  EXPECT_EQ(profile_error("plugins: {filter: {enabled: [{name: EBSLimits}]}}"),
            "profiles[0].plugins.filter.enabled[0]: Invalid value: \"EBSLimits\": was invalid in "
            "version \"kubescheduler.config.k8s.io/v1\" (KubeSchedulerConfiguration is version "
            "\"kubescheduler.config.k8s.io/v1\")");
  EXPECT_EQ(profile_error("plugins: {preFilter: {disabled: [{name: NodePorts}]}}"),
            kCreating + "plugin \"NodePorts\" at filter without preFilter is not supported");
}

TEST(Configuration, FilterOrderFollowsTheDocumentation) {
  // "Multipoint" of the documentation: explicit points first, then multiPoint, then the rest.
  std::vector<Profile> made = profiles_of(
      "profiles:\n- plugins:\n    multiPoint: {disabled: [{name: '*'}], enabled: "
      "[{name: PrioritySort}, {name: DefaultBinder}, {name: NodePorts}, {name: NodeName}, "
      "{name: TaintToleration}]}\n"
      "    filter: {enabled: [{name: TaintToleration}, {name: NodeUnschedulable}], "
      "disabled: [{name: NodeName}]}\n");
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(names(made[0].filters), (Names{"TaintToleration", "NodePorts", "NodeUnschedulable"}));
  EXPECT_FALSE(made[0].preempts);
  EXPECT_FALSE(made[0].holds_gated);
}

TEST(Configuration, TwoProfilesOfTheDocumentation) {
  std::vector<Profile> made = profiles_of(
      "percentageOfNodesToScore: 70\nprofiles:\n"
      "- schedulerName: default-scheduler\n"
      "- schedulerName: no-scoring-scheduler\n  percentageOfNodesToScore: 30\n"
      "  plugins: {preScore: {disabled: [{name: '*'}]}, score: {disabled: [{name: '*'}]}}\n");
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[0].percentage_of_nodes_to_score, 70);
  EXPECT_EQ(made[1].percentage_of_nodes_to_score, 30);
  EXPECT_FALSE(made[0].scorers.empty());
  EXPECT_TRUE(made[1].scorers.empty());
  EXPECT_EQ(names(made[0].filters), names(made[1].filters));
}

TEST(Configuration, ArgumentErrors) {
  const std::string at = "profiles[0].pluginConfig[0].args.";
  EXPECT_EQ(args_error("DefaultPreemption",
                       "{minCandidateNodesPercentage: 150, "
                       "minCandidateNodesAbsolute: -1}"),
            "[" + at +
                "minCandidateNodesPercentage: Invalid value: 150: not in valid range "
                "[0, 100], " +
                at +
                "minCandidateNodesAbsolute: Invalid value: -1: not in valid range "
                "[0, inf)]");
  EXPECT_EQ(args_error("InterPodAffinity", "{hardPodAffinityWeight: 120}"),
            at + "hardPodAffinityWeight: Invalid value: 120: not in valid range [0, 100]");
  EXPECT_EQ(args_error("PodTopologySpread",
                       "{defaultConstraints: [{maxSkew: -1, topologyKey: 'a b', "
                       "whenUnsatisfiable: x, labelSelector: {}}]}")
                .substr(0, 101),
            "[" + at + "defaultingType: Invalid value: \"System\": when .defaultConstraints a");
  EXPECT_EQ(args_error("NodeResourcesBalancedAllocation",
                       "{resources: [{name: cpu, weight: 2}, {name: cpu}]}"),
            "[" + at + "resources[0].weight: Invalid value: 2: must be 1, " + at +
                "resources[1].name: Duplicate value: \"cpu\"]");
  EXPECT_EQ(args_error("VolumeBinding", "{bindTimeoutSeconds: -10}"),
            at + "bindTimeoutSeconds: Invalid value: -10: invalid BindTimeoutSeconds, should not "
                 "be a negative value");
  EXPECT_EQ(args_error("NodeAffinity",
                       "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
                       "{nodeSelectorTerms: [{matchExpressions: [{key: foo, operator: In}]}, "
                       "{matchFields: [{key: metadata.name, operator: In, values: [a, b]}]}]}}}"),
            "[" + at +
                "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution."
                "nodeSelectorTerms[0].matchExpressions[0].values: Invalid value: []: for 'in', "
                "'notin' operators, values set can't be empty, " +
                at +
                "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[1]."
                "matchFields[0].values: Invalid value: [\"a\",\"b\"]: must have one element]");
}

TEST(Configuration, FitArgumentErrorsComeFromThePlugin) {
  const std::string start = kCreating + "initializing plugin \"NodeResourcesFit\": ";
  EXPECT_EQ(args_error("NodeResourcesFit", "{scoringStrategy: {type: Best}}"),
            start +
                "scoringStrategy.type: Unsupported value: \"Best\": supported values: "
                "\"LeastAllocated\", \"MostAllocated\", \"RequestedToCapacityRatio\"");
  EXPECT_EQ(args_error("NodeResourcesFit",
                       "{scoringStrategy: {type: MostAllocated, resources: "
                       "[{name: cpu, weight: 101}]}}"),
            start +
                "scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of "
                "cpu not in valid range (0, 100]");
  EXPECT_EQ(args_error("NodeResourcesFit", "{scoringStrategy: {type: RequestedToCapacityRatio}}"),
            start +
                "scoringStrategy.requestedToCapacityRatio: Required value: must be specified "
                "when type is RequestedToCapacityRatio");
  EXPECT_EQ(args_error("NodeResourcesFit",
                       "{scoringStrategy: {type: RequestedToCapacityRatio, "
                       "requestedToCapacityRatio: {shape: [{utilization: 50, score: 11}, "
                       "{utilization: 50, score: 1}]}}}"),
            start +
                "[scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid "
                "value: 50: utilization values must be sorted in increasing order, "
                "scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11: "
                "not in valid range [0, 10]]");
  EXPECT_EQ(args_error("NodeResourcesFit", "{ignoredResourceGroups: [example.com/x]}"),
            start +
                "ignoredResourceGroups[0]: Invalid value: \"example.com/x\": resource group "
                "name can't contain '/'");
}

TEST(Configuration, Extenders) {
  Result<Configuration> config = Configuration::parse(
      kHead +
      "extenders:\n"
      "- {urlPrefix: 'http://a/', filterVerb: filter, ignorable: true}\n"
      "- {urlPrefix: 'https://b/', prioritizeVerb: score, weight: 5, bindVerb: bind, "
      "enableHTTPS: true, httpTimeout: 30s, nodeCacheCapable: true, tlsConfig: {insecure: true, "
      "certData: YQ==}, managedResources: [{name: example.com/foo, ignoredByScheduler: true}]}\n");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_TRUE(config->validate());
  std::vector<ExtenderConfig> list = config->extenders();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].url_prefix, "https://b/");
  EXPECT_EQ(list[0].weight, 5);
  EXPECT_EQ(list[0].http_timeout, std::chrono::seconds(30));
  EXPECT_TRUE(list[0].enable_https && list[0].node_cache_capable && list[0].has_tls);
  EXPECT_EQ(list[0].tls.cert_data, "a");
  EXPECT_EQ(list[0].managed_resources[0].name, "example.com/foo");
  EXPECT_TRUE(list[1].ignorable) << "ignorable ones come last";
  EXPECT_EQ(list[1].http_timeout, std::chrono::seconds(5));
  auto profiles = config->profiles();
  ASSERT_TRUE(profiles);
  EXPECT_EQ(profiles->front().args.fit.ignored_resources, (Names{"example.com/foo"}));
}

TEST(Configuration, ExtenderErrors) {
  EXPECT_EQ(error_of("extenders: [{urlPrefix: x, prioritizeVerb: p}]\n"),
            "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it");
  EXPECT_EQ(error_of("extenders: [{bindVerb: a}, {bindVerb: b}]\n"),
            "extenders: Invalid value: \"found 2 extenders implementing bind\": only one extender "
            "can implement bind");
  EXPECT_EQ(error_of("extenders: [{managedResources: [{name: kubernetes.io/foo}, "
                     "{name: foo/x}, {name: foo/x}]}]\n"),
            "[extenders[0].managedResources[0].name: Invalid value: \"kubernetes.io/foo\": is an "
            "invalid extended resource name, extenders[0].managedResources[2].name: Invalid "
            "value: \"foo/x\": duplicate extender managed resource name]");
}

TEST(Configuration, TooLarge) {
  std::string text(codec::kMaxConfigurationBytes, ' ');
  text.replace(0, kHead.size(), kHead);
  EXPECT_EQ(parse_error(text), "");
  EXPECT_EQ(parse_error(text + " "), "the configuration is larger than 3145728 bytes");
}

}  // namespace
}  // namespace tiphys::scheduler
