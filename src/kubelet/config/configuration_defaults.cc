#include "kubelet/config/configuration_defaults.h"

#include <cassert>

#include "codec/codec.h"
#include "kinds/kubelet_v1beta1.h"

namespace tiphys::kubelet {
namespace {

using kubelet_v1beta1::KubeletConfiguration;
using kubelet_v1beta1::KubeletConfigurationEdit;

constexpr std::string_view kDefaults = R"({
  "enableServer": true,
  "syncFrequency": "1m0s",
  "fileCheckFrequency": "20s",
  "httpCheckFrequency": "20s",
  "address": "0.0.0.0",
  "port": 10250,
  "authentication": {
    "webhook": {"enabled": true, "cacheTTL": "2m0s"},
    "anonymous": {"enabled": false}
  },
  "authorization": {
    "mode": "Webhook",
    "webhook": {"cacheAuthorizedTTL": "5m0s", "cacheUnauthorizedTTL": "30s"}
  },
  "registryPullQPS": 5,
  "registryBurst": 10,
  "imagePullCredentialsVerificationPolicy": "NeverVerifyPreloadedImages",
  "eventRecordQPS": 50,
  "eventBurst": 100,
  "enableDebuggingHandlers": true,
  "healthzPort": 10248,
  "healthzBindAddress": "127.0.0.1",
  "oomScoreAdj": -999,
  "streamingConnectionIdleTimeout": "4h0m0s",
  "nodeStatusUpdateFrequency": "10s",
  "nodeLeaseDurationSeconds": 40,
  "imageMinimumGCAge": "2m0s",
  "imageGCHighThresholdPercent": 85,
  "imageGCLowThresholdPercent": 80,
  "volumeStatsAggPeriod": "1m0s",
  "cgroupsPerQOS": true,
  "cgroupDriver": "cgroupfs",
  "cpuManagerPolicy": "none",
  "cpuManagerReconcilePeriod": "10s",
  "memoryManagerPolicy": "None",
  "topologyManagerPolicy": "none",
  "topologyManagerScope": "container",
  "runtimeRequestTimeout": "2m0s",
  "hairpinMode": "promiscuous-bridge",
  "maxPods": 110,
  "podPidsLimit": -1,
  "resolvConf": "/etc/resolv.conf",
  "cpuCFSQuota": true,
  "cpuCFSQuotaPeriod": "100ms",
  "nodeStatusMaxImages": 50,
  "maxOpenFiles": 1000000,
  "contentType": "application/vnd.kubernetes.protobuf",
  "kubeAPIQPS": 50,
  "kubeAPIBurst": 100,
  "evictionPressureTransitionPeriod": "5m0s",
  "mergeDefaultEvictionSettings": false,
  "enableControllerAttachDetach": true,
  "makeIPTablesUtilChains": true,
  "iptablesMasqueradeBit": 14,
  "iptablesDropBit": 15,
  "failSwapOn": true,
  "containerLogMaxSize": "10Mi",
  "containerLogMaxFiles": 5,
  "containerLogMaxWorkers": 1,
  "containerLogMonitorInterval": "10s",
  "configMapAndSecretChangeDetectionStrategy": "Watch",
  "enforceNodeAllocatable": ["pods"],
  "volumePluginDir": "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/",
  "logging": {"format": "text", "flushFrequency": "5s",
              "options": {"text": {"infoBufferSize": "0"}, "json": {"infoBufferSize": "0"}}},
  "enableSystemLogHandler": true,
  "enableSystemLogQuery": false,
  "crashLoopBackOff": {"maxContainerRestartPeriod": "5m0s"},
  "enableProfilingHandler": true,
  "enableDebugFlagsHandler": true,
  "seccompDefault": false,
  "memoryThrottlingFactor": 0.9,
  "registerNode": true,
  "localStorageCapacityIsolation": true,
  "failCgroupV1": false
})";

// Structs are filled in field by field; anything else that is there stays.
void fill_absent(Arena& arena, Node& node, const Node& defaults) {
  for (const Value& value : defaults.items()) {
    const Value& present = node.field(value.field);
    if (present.is_null()) {
      set_field(arena, node, value.field, arena.clone(value));
    } else if (present.type == ValueType::kStruct) {
      fill_absent(arena, *present.node, *value.node);
    }
  }
}

// Those that hang on what else is there; before the rest.
void apply_conditional(KubeletConfigurationEdit e) {
  constexpr int64_t kFiveMinutes = 300'000'000'000;  // metav1.Duration: nanoseconds
  KubeletConfiguration given = e.view();
  if (given.node_status_report_frequency() == 0) {
    int64_t update = given.node_status_update_frequency();
    e.set_node_status_report_frequency(update == 0 ? kFiveMinutes : update);
  }
  if (!given.has_serialize_image_pulls()) {
    bool several = given.has_max_parallel_image_pulls() && given.max_parallel_image_pulls() >= 2;
    e.set_serialize_image_pulls(!several);
  }
  if (given.has_pod_pids_limit() && given.pod_pids_limit() < 0) e.set_pod_pids_limit(-1);
  // An interval of zero is the default, as for metav1.Duration.
  if (e.view().logging().flush_frequency() == "0") e.edit_logging().clear_flush_frequency();
}

}  // namespace

void apply_configuration_defaults(Draft& configuration) {
  apply_conditional(KubeletConfigurationEdit(configuration));
  Arena arena;
  Result<Node*> defaults =
      codec::decode_json(kDefaults, KubeletConfiguration::message_type(), arena, nullptr);
  assert(defaults);
  fill_absent(configuration.arena(), configuration.root(), **defaults);
}

}  // namespace tiphys::kubelet
