#include "kubelet/config/configuration_support.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "codec/codec.h"
#include "crypto/tls.h"
#include "kinds/feature_gates.h"

namespace tiphys::kubelet {
namespace {

// A field that has no effect here: what may be said of it, as JSON.
struct Row {
  std::string_view path;
  std::array<std::string_view, 2> allowed;  // "": nothing more; a field may always be absent
  std::string_view why;
};

constexpr std::string_view kNoManagers = "there are no CPU, memory and topology managers";
constexpr std::string_view kNoEviction = "there is no eviction under pressure";
constexpr std::string_view kOwnCgroups = "the pods' control groups are all that is managed";
constexpr std::string_view kPlainLogs = "the log is text on standard error";

constexpr Row kRows[] = {
    {"registryPullQPS", {"5", "0"}, "pulls are not limited"},
    {"registryBurst", {"10"}, "pulls are not limited"},
    {"imagePullCredentialsVerificationPolicy",
     {R"("NeverVerifyPreloadedImages")", R"("NeverVerify")"},
     "credentials of images that are there are not verified"},
    {"preloadedImagesVerificationAllowlist", {}, "credentials of images are not verified"},
    {"enableContentionProfiling", {}, "there is no profiling"},
    {"volumeStatsAggPeriod", {R"("1m0s")"}, "volumes are measured when somebody asks"},
    {"kubeletCgroups", {}, kOwnCgroups},
    {"systemCgroups", {}, kOwnCgroups},
    {"cgroupsPerQOS", {"true"}, kOwnCgroups},
    {"cpuManagerPolicy", {R"("none")"}, kNoManagers},
    {"cpuManagerPolicyOptions", {}, kNoManagers},
    {"cpuManagerReconcilePeriod", {R"("10s")"}, kNoManagers},
    {"memoryManagerPolicy", {R"("None")"}, kNoManagers},
    {"topologyManagerPolicy", {R"("none")"}, kNoManagers},
    {"topologyManagerScope", {R"("container")"}, kNoManagers},
    {"topologyManagerPolicyOptions", {}, kNoManagers},
    {"reservedMemory", {}, kNoManagers},
    {"reservedSystemCPUs", {}, kNoManagers},
    {"qosReserved", {}, "nothing is reserved for QoS classes"},
    {"hairpinMode",
     {R"("promiscuous-bridge")", R"("hairpin-veth")"},
     "the bridge is in hairpin mode"},
    {"serializeImagePulls", {"true", "false"}, ""},
    {"maxParallelImagePulls", {}, "pulls are not limited"},
    {"evictionSoft", {}, kNoEviction},
    {"evictionSoftGracePeriod", {}, kNoEviction},
    {"evictionPressureTransitionPeriod", {R"("5m0s")"}, kNoEviction},
    {"evictionMaxPodGracePeriod", {}, kNoEviction},
    {"evictionMinimumReclaim", {}, kNoEviction},
    {"enableControllerAttachDetach", {"true"}, "volumes are attached by the controller"},
    {"protectKernelDefaults", {}, "kernel settings are neither changed nor checked"},
    {"makeIPTablesUtilChains", {"true", "false"}, ""},
    {"memorySwap.swapBehavior", {R"("NoSwap")"}, "containers get no swap"},
    {"configMapAndSecretChangeDetectionStrategy", {R"("Watch")"}, "there is one strategy"},
    {"showHiddenMetricsForVersion", {}, "no metrics are hidden"},
    {"volumePluginDir",
     {R"("/usr/libexec/kubernetes/kubelet-plugins/volume/exec/")"},
     "there are no FlexVolumes"},
    {"kernelMemcgNotification", {}, kNoEviction},
    {"logging.format", {R"("text")"}, kPlainLogs},
    {"logging.vmodule", {}, kPlainLogs},
    {"logging.options.text.splitStream", {}, kPlainLogs},
    {"logging.options.text.infoBufferSize", {R"("0")"}, kPlainLogs},
    {"logging.options.json.splitStream", {}, kPlainLogs},
    {"logging.options.json.infoBufferSize", {R"("0")"}, kPlainLogs},
    {"enableSystemLogQuery", {"false"}, "logs are only served as files"},
    {"shutdownGracePeriod", {R"("0s")"}, "a shutdown of the machine is not noticed"},
    {"shutdownGracePeriodCriticalPods", {R"("0s")"}, "a shutdown of the machine is not noticed"},
    {"shutdownGracePeriodByPodPriority", {}, "a shutdown of the machine is not noticed"},
    {"memoryThrottlingFactor", {"0.9"}, "memory is not throttled (MemoryQoS)"},
    {"tracing", {}, "there are no traces"},
    {"localStorageCapacityIsolation", {"true"}, "local storage is always counted"},
    {"imageServiceEndpoint", {}, "images are the runtime's"},
    {"userNamespaces.idsPerPod", {"65536"}, "their length is fixed"},
};

// Fields that Options take, or that have no effect upstream either.
constexpr std::string_view kEffective[] = {
    "enableServer",
    "staticPodPath",
    "fileCheckFrequency",
    "httpCheckFrequency",
    "staticPodURL",
    "staticPodURLHeader",
    "podLogsDir",
    "allowedUnsafeSysctls",
    "imageMinimumGCAge",
    "imageMaximumGCAge",
    "imageGCHighThresholdPercent",
    "imageGCLowThresholdPercent",
    "seccompDefault",
    "syncFrequency",
    "address",
    "port",
    "readOnlyPort",
    "tlsCertFile",
    "tlsPrivateKeyFile",
    "tlsCipherSuites",
    "tlsMinVersion",
    "rotateCertificates",
    "serverTLSBootstrap",
    "authentication",
    "authorization",
    "eventRecordQPS",
    "eventBurst",
    "enableDebuggingHandlers",
    "enableSystemLogHandler",
    "enableProfilingHandler",
    "enableDebugFlagsHandler",
    "healthzPort",
    "healthzBindAddress",
    "oomScoreAdj",
    "clusterDomain",
    "clusterDNS",
    "nodeStatusUpdateFrequency",
    "nodeStatusReportFrequency",
    "nodeLeaseDurationSeconds",
    "cgroupRoot",
    "cgroupDriver",
    "runtimeRequestTimeout",
    "maxPods",
    "podCIDR",
    "resolvConf",
    "runOnce",
    "nodeStatusMaxImages",
    "maxOpenFiles",
    "contentType",
    "kubeAPIQPS",
    "kubeAPIBurst",
    "iptablesMasqueradeBit",
    "iptablesDropBit",
    "featureGates",
    "failSwapOn",
    "systemReserved",
    "kubeReserved",
    "providerID",
    "logging",
    "registerWithTaints",
    "registerNode",
    "containerRuntimeEndpoint",
    "podPidsLimit",
    "cpuCFSQuota",
    "cpuCFSQuotaPeriod",
    "podsPerCore",
    "containerLogMaxSize",
    "containerLogMaxFiles",
    "containerLogMaxWorkers",
    "containerLogMonitorInterval",
    "systemReservedCgroup",
    "kubeReservedCgroup",
    "enforceNodeAllocatable",
    "evictionHard",
    "mergeDefaultEvictionSettings",
    "singleProcessOOMKill",
    "streamingConnectionIdleTimeout",
    "crashLoopBackOff",
    "failCgroupV1",
};

// The value at "a.b.c", or null.
Value find_path(Value value, std::string_view path) {
  for (std::string_view part : split(path, '.')) {
    if (value.type != ValueType::kMap) return Value();
    value = value.node->find(part);
  }
  return value;
}

// Absent, or something that reads as absent.
bool says_nothing(const Value& value) {
  if (value.is_null()) return true;
  if (value.is_node()) return value.node->size == 0;
  return value.is_text() ? value.as_text().empty()
                         : value.type == ValueType::kBool && !value.as_bool();
}

void check_row(const Row& row, const Value& config, std::vector<std::string>& problems) {
  Value value = find_path(config, row.path);
  if (says_nothing(value) && row.allowed[0].empty()) return;
  if (value.is_null()) return;
  std::string text;
  codec::encode_json_any(value, text);
  if (std::ranges::find(row.allowed, text) != row.allowed.end()) return;
  problems.push_back(std::string(row.path) + ": " + text +
                     " is not supported by this kubelet: " + std::string(row.why));
}

void check_gates(const MapView<bool>& gates, std::vector<std::string>& problems) {
  for (auto [name, on] : gates) {
    if (on == find_feature_gate(name)->on) continue;  // validation knows them all
    problems.push_back("featureGates." + std::string(name) + ": " + (on ? "true" : "false") +
                       " is not supported by this kubelet: it behaves as by default");
  }
}

void check_driver(const kubelet_v1beta1::KubeletConfiguration& c,
                  std::vector<std::string>& problems) {
  std::string_view driver = c.cgroup_driver();
  // A containerd of our own says itself that its driver is cgroupfs (KubeletCgroupDriverFromCRI).
  if (driver == "cgroupfs" || (driver == "systemd" && c.container_runtime_endpoint().empty())) {
    return;
  }
  problems.push_back("cgroupDriver: " + go_quote(driver) +
                     " is not supported by this kubelet: its groups are made through cgroupfs");
}

void check_enforcement(const ListView<std::string_view>& options,
                       std::vector<std::string>& problems) {
  for (std::string_view option : options) {
    if (!option.ends_with("-compressible")) continue;
    problems.push_back("enforceNodeAllocatable: " + go_quote(option) +
                       " is not supported by this kubelet: whole groups are limited");
  }
}

void check_tls(const kubelet_v1beta1::KubeletConfiguration& c, std::vector<std::string>& problems) {
  std::string version(c.tls_min_version());
  if (version == "VersionTLS10" || version == "VersionTLS11") {
    problems.push_back("tlsMinVersion: " + go_quote(version) +
                       " is not supported by this kubelet: VersionTLS12 and VersionTLS13 are");
    version.clear();
  }
  std::vector<std::string> suites;
  for (std::string_view suite : c.tls_cipher_suites()) suites.emplace_back(suite);
  Result<void> known = crypto::ServerTls::check({version, std::move(suites)});
  if (!known) problems.push_back(known.error().message());
}

}  // namespace

std::vector<std::string_view> known_configuration_fields() {
  std::vector<std::string_view> fields(std::begin(kEffective), std::end(kEffective));
  for (const Row& row : kRows) {
    std::string_view first = row.path.substr(0, row.path.find('.'));
    if (std::ranges::find(fields, first) == fields.end()) fields.push_back(first);
  }
  return fields;
}

Result<void> check_configuration_support(const Configuration& config) {
  Arena arena;
  TIPHYS_TRY(Value, values, codec::decode_json_any(config.json(), arena));
  std::vector<std::string> problems;
  for (const Row& row : kRows) check_row(row, values, problems);
  check_gates(config.view().feature_gates(), problems);
  check_driver(config.view(), problems);
  check_enforcement(config.view().enforce_node_allocatable(), problems);
  check_tls(config.view(), problems);
  if (problems.empty()) return {};
  return ApiStatus::bad_request(problems.size() == 1 ? problems[0]
                                                     : "[" + join(problems, ", ") + "]");
}

}  // namespace tiphys::kubelet
