#include "main/kubelet_config_flags.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "main/config_overlay.h"
#include "main/kubelet_flags.h"

namespace tiphys {
namespace {

enum class Type {
  kString,
  kBool,
  kInt,
  kDuration,
  kList,
  kPairs,
  kLess,
  kGates,
  kTaints,
  kHeaders
};
enum class In { kAll, kAlone };  // alone: not in `tiphys server`, which decides it

}  // namespace

struct KubeletConfigRow {
  const char* flag;
  const char* path;
  Type type;
  In in;
  const char* usage;
};

namespace {

constexpr KubeletConfigRow kRows[] = {
    // ---- every way to run a kubelet ----
    {"register-with-taints", "registerWithTaints", Type::kTaints, In::kAll,
     "Taints to register the node with"},
    {"container-runtime-endpoint", "containerRuntimeEndpoint", Type::kString, In::kAll,
     "CRI socket (\"\": a containerd of our own, supervised)"},
    {"cluster-dns", "clusterDNS", Type::kList, In::kAll, "Name servers that pods are given"},
    {"cluster-domain", "clusterDomain", Type::kString, In::kAll, "Domain of the cluster"},
    {"resolv-conf", "resolvConf", Type::kString, In::kAll, "The host's resolver configuration"},
    {"cgroup-root", "cgroupRoot", Type::kString, In::kAll, "Parent of the pods' cgroups"},
    {"max-pods", "maxPods", Type::kInt, In::kAll, "Pods that fit on this node"},
    {"system-reserved", "systemReserved", Type::kPairs, In::kAll,
     "Resources kept for the system, as cpu=200m,..."},
    {"kube-reserved", "kubeReserved", Type::kPairs, In::kAll,
     "Resources kept for the node's own parts"},
    {"pods-per-core", "podsPerCore", Type::kInt, In::kAll, "Pods a core (0: no limit)"},
    {"enforce-node-allocatable", "enforceNodeAllocatable", Type::kList, In::kAll,
     "What is enforced: pods, system-reserved, kube-reserved or none"},
    {"system-reserved-cgroup", "systemReservedCgroup", Type::kString, In::kAll,
     "Cgroup of --system-reserved"},
    {"kube-reserved-cgroup", "kubeReservedCgroup", Type::kString, In::kAll,
     "Cgroup of --kube-reserved"},
    {"eviction-hard", "evictionHard", Type::kLess, In::kAll,
     "Hard eviction thresholds, as memory.available<1Gi,..."},
    {"cpu-cfs-quota", "cpuCFSQuota", Type::kBool, In::kAll, "Enforce CPU limits"},
    {"cpu-cfs-quota-period", "cpuCFSQuotaPeriod", Type::kDuration, In::kAll,
     "Period of the CPU quota"},
    {"pod-max-pids", "podPidsLimit", Type::kInt, In::kAll, "Processes of a pod (-1: no limit)"},
    {"container-log-max-size", "containerLogMaxSize", Type::kString, In::kAll,
     "Size from which a container's log is rotated"},
    {"container-log-max-files", "containerLogMaxFiles", Type::kInt, In::kAll,
     "Files of a container's log"},
    {"container-log-monitor-interval", "containerLogMonitorInterval", Type::kDuration, In::kAll,
     "How often the size of logs is looked at"},
    // ---- where it runs without an API server in its process ----
    {"enable-server", "enableServer", Type::kBool, In::kAlone, "Enable the kubelet's server"},
    {"fail-swap-on", "failSwapOn", Type::kBool, In::kAlone, "Fail to start if swap is on"},
    {"pod-manifest-path", "staticPodPath", Type::kString, In::kAlone,
     "Folder or file of static pods"},
    {"sync-frequency", "syncFrequency", Type::kDuration, In::kAlone,
     "Max period between two looks at running containers"},
    {"file-check-frequency", "fileCheckFrequency", Type::kDuration, In::kAlone,
     "Period between two looks at static pods' files"},
    {"http-check-frequency", "httpCheckFrequency", Type::kDuration, In::kAlone,
     "Period between two looks at static pods' URL"},
    {"manifest-url", "staticPodURL", Type::kString, In::kAlone, "URL of static pods"},
    {"manifest-url-header", "staticPodURLHeader", Type::kHeaders, In::kAlone,
     "Headers of requests to --manifest-url, as name:value,..."},
    {"address", "address", Type::kString, In::kAlone, "Address that the server listens on"},
    {"port", "port", Type::kInt, In::kAlone, "Port of the kubelet's server"},
    {"read-only-port", "readOnlyPort", Type::kInt, In::kAlone,
     "Port of a server without authentication (0: none)"},
    {"anonymous-auth", "authentication.anonymous.enabled", Type::kBool, In::kAlone,
     "Whether anonymous requests are let through to authorization"},
    {"authentication-token-webhook", "authentication.webhook.enabled", Type::kBool, In::kAlone,
     "Whether TokenReviews judge bearer tokens"},
    {"authentication-token-webhook-cache-ttl", "authentication.webhook.cacheTTL", Type::kDuration,
     In::kAlone, "How long verdicts about tokens are remembered"},
    {"client-ca-file", "authentication.x509.clientCAFile", Type::kString, In::kAlone,
     "CA of the callers of the kubelet's server"},
    {"authorization-mode", "authorization.mode", Type::kString, In::kAlone,
     "AlwaysAllow or Webhook"},
    {"authorization-webhook-cache-authorized-ttl", "authorization.webhook.cacheAuthorizedTTL",
     Type::kDuration, In::kAlone, "How long a yes is remembered"},
    {"authorization-webhook-cache-unauthorized-ttl", "authorization.webhook.cacheUnauthorizedTTL",
     Type::kDuration, In::kAlone, "How long a no is remembered"},
    {"tls-cert-file", "tlsCertFile", Type::kString, In::kAlone,
     "Serving certificate (\"\": self-signed)"},
    {"tls-private-key-file", "tlsPrivateKeyFile", Type::kString, In::kAlone,
     "Key of --tls-cert-file"},
    {"tls-cipher-suites", "tlsCipherSuites", Type::kList, In::kAlone,
     "Cipher suites of the server (TLS 1.2)"},
    {"tls-min-version", "tlsMinVersion", Type::kString, In::kAlone,
     "VersionTLS10, VersionTLS11, VersionTLS12 or VersionTLS13"},
    {"rotate-certificates", "rotateCertificates", Type::kBool, In::kAlone,
     "Renew the client certificate before it expires"},
    {"rotate-server-certificates", "serverTLSBootstrap", Type::kBool, In::kAlone,
     "Request the serving certificate from the API server, and renew it"},
    {"registry-qps", "registryPullQPS", Type::kInt, In::kAlone, "Pulls a second"},
    {"registry-burst", "registryBurst", Type::kInt, In::kAlone, "Pulls that may start at once"},
    {"event-qps", "eventRecordQPS", Type::kInt, In::kAlone, "Events a second (0: no limit)"},
    {"event-burst", "eventBurst", Type::kInt, In::kAlone, "Events that may go at once"},
    {"enable-debugging-handlers", "enableDebuggingHandlers", Type::kBool, In::kAlone,
     "Serve logs, and running commands in containers"},
    {"contention-profiling", "enableContentionProfiling", Type::kBool, In::kAlone,
     "Profile contention"},
    {"healthz-port", "healthzPort", Type::kInt, In::kAlone, "Port of /healthz (0: none)"},
    {"healthz-bind-address", "healthzBindAddress", Type::kString, In::kAlone,
     "Address that /healthz listens on"},
    {"oom-score-adj", "oomScoreAdj", Type::kInt, In::kAlone, "oom_score_adj of this process"},
    {"volume-plugin-dir", "volumePluginDir", Type::kString, In::kAlone,
     "Folder of FlexVolume plugins"},
    {"streaming-connection-idle-timeout", "streamingConnectionIdleTimeout", Type::kDuration,
     In::kAlone, "Idle time that ends a streaming connection"},
    {"node-status-update-frequency", "nodeStatusUpdateFrequency", Type::kDuration, In::kAlone,
     "How often the node's status is computed"},
    {"minimum-image-ttl-duration", "imageMinimumGCAge", Type::kDuration, In::kAlone,
     "Minimum age of an unused image before it is collected"},
    {"image-gc-high-threshold", "imageGCHighThresholdPercent", Type::kInt, In::kAlone,
     "Disk usage from which images are collected"},
    {"image-gc-low-threshold", "imageGCLowThresholdPercent", Type::kInt, In::kAlone,
     "Disk usage down to which images are collected"},
    {"volume-stats-agg-period", "volumeStatsAggPeriod", Type::kDuration, In::kAlone,
     "Interval of measuring volumes"},
    {"feature-gates", "featureGates", Type::kGates, In::kAlone, "Feature gates, as name=true,..."},
    {"kubelet-cgroups", "kubeletCgroups", Type::kString, In::kAlone, "Cgroup of the kubelet"},
    {"system-cgroups", "systemCgroups", Type::kString, In::kAlone,
     "Cgroup of processes that have none"},
    {"provider-id", "providerID", Type::kString, In::kAlone, "Id of this machine at its provider"},
    {"cgroups-per-qos", "cgroupsPerQOS", Type::kBool, In::kAlone, "Cgroups of the QoS classes"},
    {"cgroup-driver", "cgroupDriver", Type::kString, In::kAlone, "cgroupfs or systemd"},
    {"cpu-manager-policy", "cpuManagerPolicy", Type::kString, In::kAlone, "none or static"},
    {"cpu-manager-policy-options", "cpuManagerPolicyOptions", Type::kPairs, In::kAlone,
     "Options of --cpu-manager-policy"},
    {"cpu-manager-reconcile-period", "cpuManagerReconcilePeriod", Type::kDuration, In::kAlone,
     "Interval of the CPU manager"},
    {"qos-reserved", "qosReserved", Type::kPairs, In::kAlone, "Resources reserved by QoS class"},
    {"topology-manager-policy", "topologyManagerPolicy", Type::kString, In::kAlone,
     "none, best-effort, restricted or single-numa-node"},
    {"topology-manager-scope", "topologyManagerScope", Type::kString, In::kAlone,
     "container or pod"},
    {"topology-manager-policy-options", "topologyManagerPolicyOptions", Type::kPairs, In::kAlone,
     "Options of --topology-manager-policy"},
    {"memory-manager-policy", "memoryManagerPolicy", Type::kString, In::kAlone, "None or Static"},
    {"runtime-request-timeout", "runtimeRequestTimeout", Type::kDuration, In::kAlone,
     "Timeout of ordinary requests to the runtime"},
    {"hairpin-mode", "hairpinMode", Type::kString, In::kAlone,
     "promiscuous-bridge, hairpin-veth or none"},
    {"pod-cidr", "podCIDR", Type::kString, In::kAlone,
     "Range of the node's pods until the API gives one"},
    {"runonce", "runOnce", Type::kBool, In::kAlone, "Exit after starting static pods"},
    {"enable-controller-attach-detach", "enableControllerAttachDetach", Type::kBool, In::kAlone,
     "The controller attaches volumes"},
    {"make-iptables-util-chains", "makeIPTablesUtilChains", Type::kBool, In::kAlone,
     "Make the KUBE-IPTABLES-HINT chain"},
    {"iptables-masquerade-bit", "iptablesMasqueradeBit", Type::kInt, In::kAlone, "Has no effect"},
    {"iptables-drop-bit", "iptablesDropBit", Type::kInt, In::kAlone, "Has no effect"},
    {"allowed-unsafe-sysctls", "allowedUnsafeSysctls", Type::kList, In::kAlone,
     "Unsafe sysctls that pods may set"},
    {"node-status-max-images", "nodeStatusMaxImages", Type::kInt, In::kAlone,
     "Images in the node's status (-1: all)"},
    {"kernel-memcg-notification", "kernelMemcgNotification", Type::kBool, In::kAlone,
     "Let the kernel tell of memory pressure"},
    {"local-storage-capacity-isolation", "localStorageCapacityIsolation", Type::kBool, In::kAlone,
     "Count local storage"},
    {"max-open-files", "maxOpenFiles", Type::kInt, In::kAlone, "Files that may be open"},
    {"kube-api-content-type", "contentType", Type::kString, In::kAlone,
     "Content type of requests to the API server"},
    {"kube-api-qps", "kubeAPIQPS", Type::kInt, In::kAlone, "Requests a second"},
    {"kube-api-burst", "kubeAPIBurst", Type::kInt, In::kAlone, "Requests that may go at once"},
    {"serialize-image-pulls", "serializeImagePulls", Type::kBool, In::kAlone, "Pull one by one"},
    {"eviction-soft", "evictionSoft", Type::kLess, In::kAlone, "Soft eviction thresholds"},
    {"eviction-soft-grace-period", "evictionSoftGracePeriod", Type::kPairs, In::kAlone,
     "Grace periods of --eviction-soft"},
    {"eviction-pressure-transition-period", "evictionPressureTransitionPeriod", Type::kDuration,
     In::kAlone, "How long a pressure condition stays"},
    {"eviction-max-pod-grace-period", "evictionMaxPodGracePeriod", Type::kInt, In::kAlone,
     "Grace period of soft evictions"},
    {"eviction-minimum-reclaim", "evictionMinimumReclaim", Type::kPairs, In::kAlone,
     "What an eviction reclaims at least"},
    {"protect-kernel-defaults", "protectKernelDefaults", Type::kBool, In::kAlone,
     "Fail if kernel settings are not as expected"},
    {"reserved-cpus", "reservedSystemCPUs", Type::kString, In::kAlone, "CPUs kept for the system"},
    {"register-node", "registerNode", Type::kBool, In::kAlone, "Register the node"},
    {"seccomp-default", "seccompDefault", Type::kBool, In::kAlone,
     "RuntimeDefault is the default seccomp profile"},
    {"image-service-endpoint", "imageServiceEndpoint", Type::kString, In::kAlone,
     "CRI socket of images"},
    {"log-flush-frequency", "logging.flushFrequency", Type::kDuration, In::kAlone,
     "Logs are not buffered: has no effect"},
    {"logging-format", "logging.format", Type::kString, In::kAlone, "text"},
};

std::string in_json(const std::string& text) {
  std::string out;
  codec::append_json_string(text, out);
  return out;
}

// "a=1,b=2" items as an object. quoted: values are strings.
Result<std::string> pairs_json(const KubeletConfigRow& row, const std::vector<std::string>& items,
                               char separator, bool quoted) {
  std::string out;
  for (const std::string& item : items) {
    size_t at = item.find(separator);
    if (at == std::string::npos || at == 0) {
      return ApiStatus::bad_request("--" + std::string(row.flag) +
                                    ": malformed pair, expect string" + separator +
                                    "string: " + item);
    }
    std::string value(trim(std::string_view(item).substr(at + 1)));
    if (!quoted && value != "true" && value != "false") {
      return ApiStatus::bad_request("--" + std::string(row.flag) + ": invalid value of " + item);
    }
    out += (out.empty() ? "" : ",") + in_json(std::string(trim(item.substr(0, at)))) + ":" +
           (quoted ? in_json(value) : value);
  }
  return "{" + out + "}";
}

Result<std::string> taints_json(const std::vector<std::string>& items) {
  TIPHYS_TRY(auto, taints, read_taints(items));
  std::string out;
  for (const auto& taint : taints) {
    out += std::string(out.empty() ? "" : ",") + "{\"key\":" + in_json(taint.key) +
           ",\"value\":" + in_json(taint.value) + ",\"effect\":" + in_json(taint.effect) + "}";
  }
  return "[" + out + "]";
}

// "a:1,b:2,a:3" items as lists by name, in order.
Result<std::string> headers_json(const KubeletConfigRow& row,
                                 const std::vector<std::string>& items) {
  std::map<std::string, std::string> lists;
  for (const std::string& item : items) {
    size_t at = item.find(':');
    if (at == std::string::npos) {
      return ApiStatus::bad_request("--" + std::string(row.flag) +
                                    ": malformed pair, expect string:string");
    }
    std::string& list = lists[std::string(trim(item.substr(0, at)))];
    list += (list.empty() ? "" : ",") + in_json(std::string(trim(item.substr(at + 1))));
  }
  std::string out;
  for (const auto& [name, list] : lists) {
    out += (out.empty() ? "" : ",") + in_json(name) + ":[" + list + "]";
  }
  return "{" + out + "}";
}

std::string list_json(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",") + in_json(item);
  return "[" + out + "]";
}

Result<std::string> items_json(const KubeletConfigRow& row, const std::vector<std::string>& items) {
  switch (row.type) {
    case Type::kPairs:
      return pairs_json(row, items, '=', true);
    case Type::kLess:
      return pairs_json(row, items, '<', true);
    case Type::kGates:
      return pairs_json(row, items, '=', false);
    case Type::kTaints:
      return taints_json(items);
    case Type::kHeaders:
      return headers_json(row, items);
    default:
      return list_json(items);
  }
}

struct ToJson {
  const KubeletConfigRow& row;
  Result<std::string> operator()(const std::string& text) const { return in_json(text); }
  Result<std::string> operator()(bool on) const { return std::string(on ? "true" : "false"); }
  Result<std::string> operator()(int64_t number) const { return std::to_string(number); }
  Result<std::string> operator()(Duration span) const { return in_json(format_go_duration(span)); }
  Result<std::string> operator()(const std::vector<std::string>& items) const {
    return items_json(row, items);
  }
};

}  // namespace

void KubeletConfigFlags::add_to(FlagSet& flags, bool only_shared) {
  flags_ = &flags;
  for (const KubeletConfigRow& row : kRows) {
    if (only_shared && row.in == In::kAlone) continue;
    Storage empty = row.type == Type::kString     ? Storage(std::string())
                    : row.type == Type::kBool     ? Storage(false)
                    : row.type == Type::kInt      ? Storage(int64_t{0})
                    : row.type == Type::kDuration ? Storage(Duration::zero())
                                                  : Storage(std::vector<std::string>());
    Given& given = values_.emplace_back(&row, std::move(empty));
    std::visit([&](auto& value) { flags.add(row.flag, value, row.usage); }, given.value);
  }
}

Result<std::string> KubeletConfigFlags::overlay() const {
  Arena arena;
  Value all = arena.make(ValueType::kMap);
  for (const Given& given : values_) {
    if (!flags_->was_set(given.row->flag)) continue;
    TIPHYS_TRY(std::string, json, std::visit(ToJson{*given.row}, given.value));
    TIPHYS_TRY(Value, value, codec::decode_json_any(json, arena));
    put_path(arena, all.node, given.row->path, value);
  }
  if (all.node->size == 0) return std::string();
  std::string out;
  codec::encode_json_any(all, out);
  return out;
}

}  // namespace tiphys
