// KubeletConfiguration: decoding, layers, defaults, validation and what isn't here, by upstream's
// documented examples and its words.
#include "kubelet/config/configuration.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/configuration_file.h"
#include "kubelet/config/configuration_options.h"
#include "kubelet/config/configuration_support.h"
#include "schema/message.h"

namespace tiphys::kubelet {
namespace {

const std::string kHead = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
const std::string kScheme = " in scheme \"pkg/kubelet/apis/config/scheme/scheme.go:33\"";

std::string parse_error(const std::string& text) {
  Result<Configuration> config = Configuration::parse({{text, "/etc"}});
  return config ? "" : config.error().message();
}
Configuration config_of(const std::string& members, std::string_view overlay = "") {
  Result<Configuration> config = Configuration::parse({{kHead + members, "/etc/x"}}, overlay);
  EXPECT_TRUE(config) << config.error().message();
  return config ? std::move(*config) : Configuration::defaults();
}
std::string invalid(const std::string& members, bool cgroup_v2 = true) {
  Result<void> valid = config_of(members).validate(cgroup_v2);
  return valid ? "" : valid.error().message();
}
std::string unsupported(const std::string& members) {
  Configuration config = config_of(members);
  Result<void> valid = config.validate(true);
  EXPECT_TRUE(valid) << valid.error().message();
  Result<void> can = check_configuration_support(config);
  return can ? "" : can.error().message();
}

TEST(KubeletConfiguration, types_that_are_not_there) {
  EXPECT_EQ(parse_error("apiVersion: v1\nkind: Pod\n"),
            "no kind \"Pod\" is registered for version \"v1\"" + kScheme);
  EXPECT_EQ(parse_error("apiVersion: kubelet.config.k8s.io/v1\nkind: KubeletConfiguration\n"),
            "no kind \"KubeletConfiguration\" is registered for version "
            "\"kubelet.config.k8s.io/v1\"" +
                kScheme);
  EXPECT_EQ(parse_error("kind: KubeletConfiguration\n"),
            "Object 'apiVersion' is missing in '{\"kind\":\"KubeletConfiguration\"}'");
  EXPECT_NE(parse_error("[]"), "");
  EXPECT_NE(parse_error(""), "");
  EXPECT_NE(parse_error(std::string(codec::kMaxConfigurationBytes + 1, ' ')), "");
}

TEST(KubeletConfiguration, decoding_is_strict) {
  EXPECT_EQ(parse_error(kHead + "foo: bar\n"), "strict decoding error: unknown field \"foo\"");
  EXPECT_EQ(parse_error(kHead + "authentication: {x509: {clientCaFile: /x}}\n"),
            "strict decoding error: unknown field \"authentication.x509.clientCaFile\"");
  EXPECT_EQ(parse_error(kHead + "maxPods: 1\nmaxPods: 2\n"),
            "strict decoding error: yaml: unmarshal errors:\n"
            "  line 4: key \"maxPods\" already set in map");
  EXPECT_NE(parse_error(kHead + "maxPods: many\n"), "");
  EXPECT_NE(parse_error(kHead + "syncFrequency: soon\n"), "");
}

TEST(KubeletConfiguration, every_field_is_spoken_of) {
  std::vector<std::string_view> known = known_configuration_fields();
  for (const schema::Field& field : kubelet_v1beta1::KubeletConfiguration::message_type().fields) {
    EXPECT_NE(std::ranges::find(known, field.name), known.end()) << field.name;
  }
}

TEST(KubeletConfiguration, defaults_are_valid_and_supported) {
  Configuration config = Configuration::defaults();
  EXPECT_TRUE(config.validate(false));
  Result<void> can = check_configuration_support(config);
  EXPECT_TRUE(can) << can.error().message();
  auto view = config.view();
  EXPECT_EQ(view.port(), 10250);
  EXPECT_EQ(view.healthz_port(), 10248);
  EXPECT_FALSE(view.authentication().anonymous().enabled());
  EXPECT_TRUE(view.authentication().webhook().enabled());
  EXPECT_EQ(view.authentication().webhook().cache_ttl(), 120'000'000'000);
  EXPECT_EQ(view.authorization().mode(), "Webhook");
  EXPECT_EQ(view.node_status_report_frequency(), 300'000'000'000);
  EXPECT_TRUE(view.serialize_image_pulls());
  EXPECT_EQ(view.oom_score_adj(), -999);
}

TEST(KubeletConfiguration, zero_is_the_default_where_upstream_says_so) {
  auto config = config_of("syncFrequency: 0s\nmaxPods: 0\nhealthzPort: 0\nkubeAPIQPS: 0\n");
  EXPECT_EQ(config.view().sync_frequency(), 60'000'000'000);
  EXPECT_EQ(config.view().max_pods(), 110);
  EXPECT_EQ(config.view().healthz_port(), 0) << "a pointer: zero is zero";
  EXPECT_EQ(config.view().kube_apiqps(), 0);
}

TEST(KubeletConfiguration, defaults_that_hang_on_others) {
  EXPECT_EQ(config_of("nodeStatusUpdateFrequency: 20s\n").view().node_status_report_frequency(),
            20'000'000'000);
  EXPECT_FALSE(config_of("maxParallelImagePulls: 2\n").view().serialize_image_pulls());
  EXPECT_TRUE(config_of("maxParallelImagePulls: 1\n").view().serialize_image_pulls());
  EXPECT_EQ(config_of("podPidsLimit: -7\n").view().pod_pids_limit(), -1);
}

// What `kubeadm init` writes to /var/lib/kubelet/config.yaml.
const std::string kKubeadm = R"(
authentication:
  anonymous: {enabled: false}
  webhook: {cacheTTL: 0s, enabled: true}
  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
authorization:
  mode: Webhook
  webhook: {cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s}
cgroupDriver: systemd
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
containerRuntimeEndpoint: ""
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {}
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
httpCheckFrequency: 0s
imageMaximumGCAge: 0s
imageMinimumGCAge: 0s
logging:
  flushFrequency: 0
  options:
    json: {infoBufferSize: "0"}
    text: {infoBufferSize: "0"}
  verbosity: 0
memorySwap: {}
nodeStatusReportFrequency: 0s
nodeStatusUpdateFrequency: 0s
resolvConf: /run/systemd/resolve/resolv.conf
rotateCertificates: true
runtimeRequestTimeout: 0s
shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
staticPodPath: /etc/kubernetes/manifests
streamingConnectionIdleTimeout: 0s
syncFrequency: 0s
volumeStatsAggPeriod: 0s
)";

TEST(KubeletConfiguration, kubeadms_file_starts) {
  EXPECT_EQ(invalid(kKubeadm, false), "");
  EXPECT_EQ(unsupported(kKubeadm), "");
  EXPECT_EQ(unsupported(kKubeadm + "imageServiceEndpoint: ''\n"), "");
}

TEST(KubeletConfiguration, a_driver_of_an_external_runtime_is_not_guessed) {
  EXPECT_EQ(unsupported("cgroupDriver: systemd\n"
                        "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n"),
            "cgroupDriver: \"systemd\" is not supported by this kubelet: its groups are made "
            "through cgroupfs");
  EXPECT_EQ(unsupported("containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n"), "");
}

TEST(KubeletConfiguration, later_layers_win) {
  ConfigurationFile first{kHead +
                              "maxPods: 20\nclusterDNS: [1.1.1.1]\nrotateCertificates: true\n"
                              "evictionHard: {memory.available: 1Gi}\n"
                              "systemReserved: {cpu: '1', memory: 1Gi}\n",
                          "/etc"};
  ConfigurationFile second{kHead + "clusterDNS: [2.2.2.2]\nsystemReserved: {cpu: '2'}\n", "/etc"};
  Result<Configuration> config = Configuration::parse(
      {first, second}, R"({"rotateCertificates":false,"evictionHard":{"nodefs.available":"5%"}})");
  ASSERT_TRUE(config) << config.error().message();
  auto view = config->view();
  EXPECT_EQ(view.max_pods(), 20);
  ASSERT_EQ(view.cluster_dns().size(), 1u);
  EXPECT_EQ(view.cluster_dns()[0], "2.2.2.2");
  EXPECT_EQ(view.system_reserved().find("cpu"), "2");
  EXPECT_EQ(view.system_reserved().find("memory"), "1Gi") << "maps of files are merged";
  EXPECT_FALSE(view.rotate_certificates()) << "false wins, too";
  EXPECT_EQ(view.eviction_hard().size(), 1u) << "a flag's map is whole";
}

TEST(KubeletConfiguration, paths_are_relative_to_the_file) {
  auto config = config_of(
      "staticPodPath: manifests\ntlsCertFile: /abs\n"
      "authentication: {x509: {clientCAFile: ca.crt}}\n",
      R"({"volumePluginDir":"here"})");
  EXPECT_EQ(config.view().static_pod_path(), "/etc/x/manifests");
  EXPECT_EQ(config.view().tls_cert_file(), "/abs");
  EXPECT_EQ(config.view().authentication().x509().client_ca_file(), "/etc/x/ca.crt");
  EXPECT_EQ(config.view().volume_plugin_dir(), "here") << "a flag's is relative to us";
}

TEST(KubeletConfiguration, one_problem_each) {
  const std::string head = "invalid configuration: ";
  const std::pair<const char*, std::string> cases[] = {
      {"nodeLeaseDurationSeconds: -1", head + "nodeLeaseDurationSeconds must be greater than 0"},
      {"systemCgroups: /x", head + "systemCgroups (--system-cgroups) was specified and cgroupRoot "
                                   "(--cgroup-root) was not specified"},
      {"eventBurst: -1", head + "eventBurst (--event-burst) -1 must not be a negative number"},
      {"eventRecordQPS: -1",
       head + "eventRecordQPS (--event-qps) -1 must not be a negative number"},
      {"healthzPort: 65536",
       head + "healthzPort (--healthz-port) 65536 must be between 1 and 65535, inclusive"},
      {"cpuCFSQuotaPeriod: 200ms", head + "cpuCFSQuotaPeriod (--cpu-cfs-quota-period) {200ms} "
                                          "requires feature gate CustomCPUCFSQuotaPeriod"},
      {"cpuCFSQuotaPeriod: 2s\nfeatureGates: {CustomCPUCFSQuotaPeriod: true}",
       head + "cpuCFSQuotaPeriod (--cpu-cfs-quota-period) {2s} must be between 1ms and 1sec, "
              "inclusive"},
      {"imageGCHighThresholdPercent: 101",
       head + "imageGCHighThresholdPercent (--image-gc-high-threshold) 101 must be between 0 and "
              "100, inclusive"},
      {"imageGCHighThresholdPercent: 0",
       head + "imageGCLowThresholdPercent (--image-gc-low-threshold) 80 must be less than "
              "imageGCHighThresholdPercent (--image-gc-high-threshold) 0"},
      {"imageMaximumGCAge: 1s", head + "imageMaximumGCAge 1s must be greater than "
                                       "imageMinimumGCAge 2m0s"},
      {"iptablesDropBit: 32", head + "iptablesDropBit (--iptables-drop-bit) 32 must be between 0 "
                                     "and 31, inclusive"},
      {"nodeStatusMaxImages: -2",
       head + "nodeStatusMaxImages (--node-status-max-images) -2 must be -1 or greater"},
      {"maxPods: -1", head + "maxPods (--max-pods) -1 must not be a negative number"},
      {"oomScoreAdj: 1001",
       head + "oomScoreAdj (--oom-score-adj) 1001 must be between -1000 and 1000, inclusive"},
      {"port: 65536", head + "port (--port) 65536 must be between 1 and 65535, inclusive"},
      {"readOnlyPort: -1",
       head + "readOnlyPort (--read-only-port) -1 must be between 0 and 65535, inclusive"},
      {"maxParallelImagePulls: 0", head + "maxParallelImagePulls 0 must be a positive number"},
      {"maxParallelImagePulls: 2\nserializeImagePulls: true",
       head + "maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls "
              "(--serialize-image-pulls) is set to false"},
      {"runOnce: true", head + "runOnce (--runOnce) true, Runonce mode has been deprecated and "
                               "should not be set"},
      {"topologyManagerPolicy: x",
       head + "topologyManagerPolicy (--topology-manager-policy) \"x\" must be one of: [\"none\" "
              "\"best-effort\" \"restricted\" \"single-numa-node\"]"},
      {"topologyManagerScope: x", head + "topologyManagerScope (--topology-manager-scope) \"x\" "
                                         "must be one of: \"container\", or \"pod\""},
      {"shutdownGracePeriod: 1s\nshutdownGracePeriodCriticalPods: 2s",
       head + "shutdownGracePeriodCriticalPods {2s} must be <= shutdownGracePeriod {1s}"},
      {"shutdownGracePeriod: 1ms",
       head + "shutdownGracePeriod {1ms} must be either zero or otherwise >= 1 sec"},
      {"memorySwap: {swapBehavior: Much}",
       head + "memorySwap.swapBehavior \"Much\" must be one of: \"\", \"LimitedSwap\" or "
              "\"NoSwap\""},
      {"crashLoopBackOff: {maxContainerRestartPeriod: 301s}",
       head + "CrashLoopBackOff.MaxContainerRestartPeriod (got: 301 seconds) must be set between "
              "1s and 300s"},
      {"enforceNodeAllocatable: [system-reserved]",
       head + "systemReservedCgroup (--system-reserved-cgroup) must be specified when "
              "\"system-reserved\" or \"system-reserved-compressible\" included in "
              "enforceNodeAllocatable (--enforce-node-allocatable)"},
      {"enforceNodeAllocatable: [pods, none]",
       head + "enforceNodeAllocatable (--enforce-node-allocatable) may not contain additional "
              "enforcements when \"none\" is specified"},
      {"enforceNodeAllocatable: [pods, pods]",
       head + "duplicated enforcements \"pods\" in enforceNodeAllocatable "
              "(--enforce-node-allocatable)"},
      {"cgroupsPerQOS: false", head + "cgroupsPerQOS (--cgroups-per-qos) must be set to true when "
                                      "\"pods\" contained in enforceNodeAllocatable "
                                      "(--enforce-node-allocatable)"},
      {"hairpinMode: x", head + "option \"x\" specified for hairpinMode (--hairpin-mode). Valid "
                                "options are \"none\", \"hairpin-veth\" or \"promiscuous-bridge\""},
      {"memoryThrottlingFactor: 1.1", head + "memoryThrottlingFactor 1.1 must be greater than 0 "
                                             "and less than or equal to 1.0"},
      {"containerLogMaxFiles: 1", head + "containerLogMaxFiles must be greater than 1"},
      {"containerLogMonitorInterval: 2s",
       head + "containerLogMonitorInterval must be a positive time duration greater than or equal "
              "to 3s"},
      {"podLogsDir: logs", head + "pod logs path \"logs\" must be absolute path"},
      {"podLogsDir: /a/../b", head + "pod logs path \"/a/../b\" must be normalized"},
      {"logging: {format: xml}", "logging.format: Invalid value: \"xml\": Unsupported log format"},
      {"logging: {flushFrequency: soon}",
       "logging.flushFrequency: Invalid value: \"soon\": must be a duration"},
      {"tracing: {samplingRatePerMillion: 1000001}",
       "tracing.samplingRatePerMillion: Invalid value: 1000001: sampling rate per million must be "
       "less than or equal to one million"},
      {"registerWithTaints: [{key: a b, effect: NoSchedule}]",
       "invalid taint: {a b  NoSchedule <nil>}"},
      {"featureGates: {NoSuchGate: true}", "unrecognized feature gate: NoSuchGate"},
      {"featureGates: {KubeletTracing: false}",
       "cannot set feature gate KubeletTracing to false, feature is locked to true"},
      {"authorization: {mode: RBAC}", "unknown authorization mode RBAC"},
  };
  for (const auto& [members, wanted] : cases) {
    EXPECT_EQ(invalid(std::string(members) + "\n"), wanted) << members;
  }
}

TEST(KubeletConfiguration, several_problems_are_told_together) {
  EXPECT_EQ(invalid("maxPods: -1\nkubeAPIQPS: -1\n"),
            "[invalid configuration: kubeAPIQPS (--kube-api-qps) -1 must not be a negative number, "
            "invalid configuration: maxPods (--max-pods) -1 must not be a negative number]");
}

TEST(KubeletConfiguration, groups_of_version_1) {
  EXPECT_EQ(invalid("failCgroupV1: true\n", false),
            "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is in "
            "maintenance mode");
  EXPECT_EQ(invalid("failCgroupV1: true\n", true), "");
  EXPECT_EQ(invalid("singleProcessOOMKill: false\n", false),
            "invalid configuration: singleProcessOOMKill must not be explicitly set to false when "
            "using cgroup v1");
}

TEST(KubeletConfiguration, what_is_not_here_is_refused_by_name) {
  for (const char* members :
       {"cpuManagerPolicy: static", "memoryManagerPolicy: Static",
        "evictionSoft: {memory.available: 1Gi}", "shutdownGracePeriod: 30s",
        "memorySwap: {swapBehavior: LimitedSwap}", "logging: {format: json}",
        "tracing: {samplingRatePerMillion: 1}", "protectKernelDefaults: true",
        "enableSystemLogQuery: true\nfeatureGates: {NodeLogQuery: true}",
        "featureGates: {MemoryQoS: true}", "hairpinMode: none", "kubeletCgroups: /x",
        "imageServiceEndpoint: unix:///x", "localStorageCapacityIsolation: false",
        "enforceNodeAllocatable: [system-reserved-compressible]\nsystemReservedCgroup: /x",
        "logging: {vmodule: [{filePattern: a, verbosity: 1}]}"}) {
    std::string name(members, strcspn(members, ":"));
    EXPECT_NE(unsupported(std::string(members) + "\n").find(name), std::string::npos) << members;
  }
  EXPECT_EQ(unsupported("cpuManagerPolicy: static\n"),
            "cpuManagerPolicy: \"static\" is not supported by this kubelet: there are no CPU, "
            "memory and topology managers");
}

TEST(KubeletConfiguration, versions_and_suites_of_tls) {
  EXPECT_EQ(unsupported("tlsMinVersion: VersionTLS13\ntlsCipherSuites: "
                        "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n"),
            "");
  EXPECT_EQ(unsupported("tlsMinVersion: SSLv3\n"), "unknown tls version \"SSLv3\"");
  EXPECT_EQ(unsupported("tlsCipherSuites: [TLS_NULL]\n"),
            "Cipher suite TLS_NULL not supported or doesn't exist");
  EXPECT_NE(unsupported("tlsMinVersion: VersionTLS11\n").find("is not supported by this kubelet"),
            std::string::npos);
}

TEST(KubeletConfiguration, what_happens_anyway_may_be_asked_for) {
  for (const char* members :
       {"registryPullQPS: 0", "serializeImagePulls: false", "makeIPTablesUtilChains: false",
        "enableProfilingHandler: false", "hairpinMode: hairpin-veth",
        "memorySwap: {swapBehavior: NoSwap}", "featureGates: {KubeletFineGrainedAuthz: true}",
        "protectKernelDefaults: false", "iptablesDropBit: 3", "userNamespaces: {idsPerPod: 65536}",
        "logging: {verbosity: 4, flushFrequency: 10s}"}) {
    EXPECT_EQ(unsupported(std::string(members) + "\n"), "") << members;
  }
}

TEST(KubeletConfiguration, options) {
  auto config = config_of(kKubeadm +
                          "maxPods: 7\nproviderID: p\nregisterNode: false\n"
                          "registerWithTaints: [{key: a, value: b, effect: NoExecute}]\n"
                          "kubeReserved: {cpu: 100m}\nreadOnlyPort: 10255\n");
  config.edit().edit_authentication().edit_x509().clear_client_ca_file();  // a file that is there
  Options options;
  ASSERT_TRUE(apply_configuration(config, options));
  EXPECT_EQ(options.max_pods, 7);
  EXPECT_EQ(options.provider_id, "p");
  EXPECT_FALSE(options.register_node);
  ASSERT_EQ(options.register_with_taints.size(), 1u);
  EXPECT_EQ(options.register_with_taints[0].effect, "NoExecute");
  EXPECT_EQ(options.kube_reserved.at("cpu"), "100m");
  EXPECT_EQ(options.cluster_dns, std::vector<std::string>{"10.96.0.10"});
  EXPECT_EQ(options.static_pod_path, "/etc/kubernetes/manifests");
  EXPECT_EQ(options.resolv_conf, "/run/systemd/resolve/resolv.conf");
  EXPECT_EQ(options.read_only_port, 10255);
  EXPECT_TRUE(options.rotate_certificates);
  EXPECT_EQ(options.token_cache_ttl, std::chrono::minutes(2));
  EXPECT_EQ(options.container_runtime_endpoint, "") << "our own";
}

TEST(KubeletConfiguration, resources) {
  Options options;
  size_t defaults = options.eviction_hard.size();
  ASSERT_TRUE(apply_configuration(
      config_of("podPidsLimit: 64\ncontainerLogMaxSize: 64Ki\nenforceNodeAllocatable: [none]\n"
                "evictionHard: {memory.available: 200Mi}\nmergeDefaultEvictionSettings: true\n"),
      options));
  EXPECT_EQ(options.pod_pids_limit, 64);
  EXPECT_EQ(options.container_log_max_size, 65536);
  EXPECT_EQ(options.enforce_node_allocatable, std::vector<std::string>{"none"});
  EXPECT_EQ(options.eviction_hard.at("memory.available"), "200Mi");
  EXPECT_EQ(options.eviction_hard.size(), defaults);
  ASSERT_TRUE(apply_configuration(config_of("evictionHard: {memory.available: 1Gi}\n"), options));
  EXPECT_EQ(options.eviction_hard.size(), 1u);
  EXPECT_FALSE(apply_configuration(config_of("containerLogMaxSize: big\n"), options));
}

TEST(KubeletConfiguration, options_that_are_left_open_stay_ours) {
  Options options;
  std::vector<std::string> dns = options.cluster_dns;
  ASSERT_TRUE(apply_configuration(Configuration::defaults(), options));
  EXPECT_EQ(options.cluster_dns, dns);
  EXPECT_EQ(options.cluster_domain, "cluster.local");
  EXPECT_EQ(options.pod_logs_dir, "");
}

TEST(KubeletConfiguration, a_file_that_is_missing_is_named) {
  auto config = config_of("tlsCertFile: /nowhere/x.crt\n");
  Options options;
  Result<void> applied = apply_configuration(config, options);
  ASSERT_FALSE(applied);
  EXPECT_NE(applied.error().message().find("/nowhere/x.crt"), std::string::npos);
}

}  // namespace
}  // namespace tiphys::kubelet
