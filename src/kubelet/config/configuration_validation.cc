#include "kubelet/config/configuration_validation.h"

#include <algorithm>
#include <climits>
#include <set>

#include "base/strings.h"
#include "base/time.h"
#include "kinds/feature_gates.h"
#include "object/selector.h"

namespace tiphys::kubelet {
namespace {

using kubelet_v1beta1::KubeletConfiguration;

// By the configuration, or by default.
bool feature_enabled(const MapView<bool>& given, std::string_view name) {
  return given.contains(name) ? given.find(name) : find_feature_gate(name)->on;
}

constexpr int64_t kSecond = 1'000'000'000;  // metav1.Duration: nanoseconds

std::string text_of(int64_t nanoseconds) { return format_go_duration(Duration(nanoseconds)); }

// As Go's %v of a float of ordinary size.
std::string short_text(double number) {
  char text[32];
  snprintf(text, sizeof text, "%.12g", number);
  return text;
}

class Problems {
 public:
  void add(std::string text) {
    if (std::ranges::find(list_, text) == list_.end()) list_.push_back(std::move(text));
  }
  void add_if(bool wrong, const std::string& text) {
    if (wrong) add("invalid configuration: " + text);
  }
  // "invalid configuration: field (--flag) value rule"
  template <class T>
  void number(std::string_view field, std::string_view flag, T value, bool right,
              std::string_view rule) {
    if (right) return;
    add("invalid configuration: " + std::string(field) + " (--" + std::string(flag) + ") " +
        std::to_string(value) + " " + std::string(rule));
  }
  Result<void> result() const {
    if (list_.empty()) return {};
    if (list_.size() == 1) return ApiStatus::bad_request(list_[0]);
    return ApiStatus::bad_request("[" + join(list_, ", ") + "]");
  }

 private:
  std::vector<std::string> list_;
};

constexpr std::string_view kNotNegative = "must not be a negative number";

bool is_percent(int64_t value) { return value >= 0 && value <= 100; }
bool is_port(int64_t value) { return value >= 1 && value <= 65535; }

void check_events_and_health(const KubeletConfiguration& c, Problems& p) {
  p.add_if(c.node_lease_duration_seconds() <= 0, "nodeLeaseDurationSeconds must be greater than 0");
  p.add_if(!c.system_cgroups().empty() && c.cgroup_root().empty(),
           "systemCgroups (--system-cgroups) was specified and cgroupRoot (--cgroup-root) was not "
           "specified");
  p.number("eventBurst", "event-burst", c.event_burst(), c.event_burst() >= 0, kNotNegative);
  p.number("eventRecordQPS", "event-qps", c.event_record_qps(), c.event_record_qps() >= 0,
           kNotNegative);
  p.number("healthzPort", "healthz-port", c.healthz_port(),
           c.healthz_port() == 0 || is_port(c.healthz_port()),
           "must be between 1 and 65535, inclusive");
  int64_t period = c.cpu_cfs_quota_period();
  std::string name = "cpuCFSQuotaPeriod (--cpu-cfs-quota-period) {" + text_of(period) + "} ";
  if (feature_enabled(c.feature_gates(), "CustomCPUCFSQuotaPeriod")) {
    p.add_if(period < kSecond / 1000 || period > kSecond,
             name + "must be between 1ms and 1sec, inclusive");
  } else {
    p.add_if(period != kSecond / 10, name + "requires feature gate CustomCPUCFSQuotaPeriod");
  }
}

void check_images(const KubeletConfiguration& c, Problems& p) {
  int32_t high = c.image_gc_high_threshold_percent();
  int32_t low = c.image_gc_low_threshold_percent();
  constexpr std::string_view kPercent = "must be between 0 and 100, inclusive";
  const std::string named_low = "imageGCLowThresholdPercent (--image-gc-low-threshold) ";
  const std::string named_high = "imageGCHighThresholdPercent (--image-gc-high-threshold) ";
  p.number("imageGCHighThresholdPercent", "image-gc-high-threshold", high, is_percent(high),
           kPercent);
  p.number("imageGCLowThresholdPercent", "image-gc-low-threshold", low, is_percent(low), kPercent);
  p.add_if(low >= high, named_low + std::to_string(low) + " must be less than " + named_high +
                            std::to_string(high));
  int64_t minimum = c.image_minimum_gc_age(), maximum = c.image_maximum_gc_age();
  p.add_if(minimum < 0, "imageMinimumGCAge " + text_of(minimum) + " must not be negative");
  p.add_if(maximum < 0, "imageMaximumGCAge " + text_of(maximum) + " must not be negative");
  p.add_if(maximum > 0 && maximum <= minimum, "imageMaximumGCAge " + text_of(maximum) +
                                                  " must be greater than imageMinimumGCAge " +
                                                  text_of(minimum));
}

void check_numbers(const KubeletConfiguration& c, Problems& p) {
  auto at_least_zero = [&p](std::string_view field, std::string_view flag, int64_t value) {
    p.number(field, flag, value, value >= 0, kNotNegative);
  };
  auto bit = [&p](std::string_view field, std::string_view flag, int64_t value) {
    p.number(field, flag, value, value >= 0 && value <= 31, "must be between 0 and 31, inclusive");
  };
  bit("iptablesDropBit", "iptables-drop-bit", c.iptables_drop_bit());
  bit("iptablesMasqueradeBit", "iptables-masquerade-bit", c.iptables_masquerade_bit());
  at_least_zero("kubeAPIBurst", "kube-api-burst", c.kube_api_burst());
  at_least_zero("kubeAPIQPS", "kube-api-qps", c.kube_apiqps());
  p.number("nodeStatusMaxImages", "node-status-max-images", c.node_status_max_images(),
           c.node_status_max_images() >= -1, "must be -1 or greater");
  at_least_zero("maxOpenFiles", "max-open-files", c.max_open_files());
  at_least_zero("maxPods", "max-pods", c.max_pods());
  p.number("oomScoreAdj", "oom-score-adj", c.oom_score_adj(),
           c.oom_score_adj() >= -1000 && c.oom_score_adj() <= 1000,
           "must be between -1000 and 1000, inclusive");
  at_least_zero("podsPerCore", "pods-per-core", c.pods_per_core());
  p.number("port", "port", c.port(), is_port(c.port()), "must be between 1 and 65535, inclusive");
  p.number("readOnlyPort", "read-only-port", c.read_only_port(),
           c.read_only_port() == 0 || is_port(c.read_only_port()),
           "must be between 0 and 65535, inclusive");
  at_least_zero("registryBurst", "registry-burst", c.registry_burst());
  at_least_zero("registryPullQPS", "registry-qps", c.registry_pull_qps());
}

void check_pulls_and_modes(const KubeletConfiguration& c, Problems& p) {
  int32_t pulls = c.max_parallel_image_pulls();
  p.add_if(c.has_max_parallel_image_pulls() && pulls < 1,
           "maxParallelImagePulls " + std::to_string(pulls) + " must be a positive number");
  p.add_if(c.serialize_image_pulls() && pulls > 1,
           "maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls "
           "(--serialize-image-pulls) is set to false");
  p.add_if(c.server_tls_bootstrap() &&
               !feature_enabled(c.feature_gates(), "RotateKubeletServerCertificate"),
           "serverTLSBootstrap true requires feature gate RotateKubeletServerCertificate");
  p.add_if(c.run_once(),
           "runOnce (--runOnce) true, Runonce mode has been deprecated and should not be set");
}

bool is_valid_taint(const core_v1::Taint& taint) {
  constexpr std::string_view kEffects[] = {"", "NoSchedule", "PreferNoSchedule", "NoExecute"};
  return label_key_problems(taint.key()).empty() && label_value_problems(taint.value()).empty() &&
         std::ranges::find(kEffects, taint.effect()) != std::end(kEffects);
}

void check_taints(const KubeletConfiguration& c, Problems& p) {
  for (core_v1::Taint taint : c.register_with_taints()) {
    if (!is_valid_taint(taint)) {
      p.add("invalid taint: {" + std::string(taint.key()) + " " + std::string(taint.value()) + " " +
            std::string(taint.effect()) + " <nil>}");
    }
    p.add_if(taint.has_time_added(), "taint.TimeAdded is not nil");
  }
}

void check_topology(const KubeletConfiguration& c, Problems& p) {
  constexpr std::string_view kPolicies[] = {"none", "best-effort", "restricted",
                                            "single-numa-node"};
  std::string_view policy = c.topology_manager_policy();
  p.add_if(std::ranges::find(kPolicies, policy) == std::end(kPolicies),
           "topologyManagerPolicy (--topology-manager-policy) " + go_quote(policy) +
               " must be one of: [\"none\" \"best-effort\" \"restricted\" \"single-numa-node\"]");
  std::string_view scope = c.topology_manager_scope();
  p.add_if(scope != "container" && scope != "pod",
           "topologyManagerScope (--topology-manager-scope) " + go_quote(scope) +
               " must be one of: \"container\", or \"pod\"");
}

void check_shutdown(const KubeletConfiguration& c, Problems& p) {
  int64_t all = c.shutdown_grace_period(), critical = c.shutdown_grace_period_critical_pods();
  auto too_short = [](int64_t period) { return period < 0 || (period > 0 && period < kSecond); };
  auto braced = [](int64_t period) { return "{" + text_of(period) + "}"; };
  if (feature_enabled(c.feature_gates(), "GracefulNodeShutdown")) {
    p.add_if(critical > all, "shutdownGracePeriodCriticalPods " + braced(critical) +
                                 " must be <= shutdownGracePeriod " + braced(all));
    p.add_if(too_short(all),
             "shutdownGracePeriod " + braced(all) + " must be either zero or otherwise >= 1 sec");
    p.add_if(too_short(critical), "shutdownGracePeriodCriticalPods " + braced(critical) +
                                      " must be either zero or otherwise >= 1 sec");
  } else {
    p.add_if(all > 0 || critical > 0,
             "specifying shutdownGracePeriod or shutdownGracePeriodCriticalPods requires feature "
             "gate GracefulNodeShutdown");
  }
  if (c.shutdown_grace_period_by_pod_priority().empty()) return;
  if (feature_enabled(c.feature_gates(), "GracefulNodeShutdownBasedOnPodPriority")) {
    p.add_if(all > 0 || critical > 0,
             "Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the "
             "same time");
  } else {
    p.add_if(true,
             "Specifying shutdownGracePeriodByPodPriority requires feature gate "
             "GracefulNodeShutdownBasedOnPodPriority");
  }
}

void check_swap_and_back_off(const KubeletConfiguration& c, Problems& p) {
  std::string_view swap = c.memory_swap().swap_behavior();
  p.add_if(!swap.empty() && swap != "NoSwap" && swap != "LimitedSwap",
           "memorySwap.swapBehavior " + go_quote(swap) +
               " must be one of: \"\", \"LimitedSwap\" or \"NoSwap\"");
  int64_t period = c.crash_loop_back_off().max_container_restart_period();
  if (period >= kSecond && period <= 300 * kSecond) return;
  p.add_if(true, "CrashLoopBackOff.MaxContainerRestartPeriod (got: " +
                     short_text(static_cast<double>(period) / kSecond) +
                     " seconds) must be set between 1s and 300s");
}

const std::string kEnforce = "enforceNodeAllocatable (--enforce-node-allocatable)";

void check_enforcement(const KubeletConfiguration& c, std::string_view option, Problems& p) {
  auto is_reserved = [&](std::string_view of) {
    return option == of || option == std::string(of) + "-compressible";
  };
  auto needs = [&](std::string_view cgroup, const std::string& named, const std::string& of) {
    p.add_if(cgroup.empty(), named + " must be specified when " + go_quote(of) + " or " +
                                 go_quote(of + "-compressible") + " included in " + kEnforce);
  };
  if (option == "none") {
    p.add_if(c.enforce_node_allocatable().size() > 1,
             kEnforce + " may not contain additional enforcements when \"none\" is specified");
    return;
  }
  if (is_reserved("system-reserved")) {
    needs(c.system_reserved_cgroup(), "systemReservedCgroup (--system-reserved-cgroup)",
          "system-reserved");
  } else if (is_reserved("kube-reserved")) {
    needs(c.kube_reserved_cgroup(), "kubeReservedCgroup (--kube-reserved-cgroup)", "kube-reserved");
  } else if (option != "pods") {
    p.add_if(true, "option " + go_quote(option) + " specified for " + kEnforce +
                       ". Valid options are \"pods\", \"system-reserved\", "
                       "\"system-reserved-compressible\", \"kube-reserved\", "
                       "\"kube-reserved-compressible\" or \"none\"");
    return;
  }
  p.add_if(!c.cgroups_per_qos(), "cgroupsPerQOS (--cgroups-per-qos) must be set to true when " +
                                     go_quote(option) + " contained in " + kEnforce);
}

void check_allocatable(const KubeletConfiguration& c, Problems& p) {
  std::set<std::string_view> options;
  for (std::string_view option : c.enforce_node_allocatable()) options.insert(option);
  for (const std::string of : {"system-reserved", "kube-reserved"}) {
    p.add_if(options.contains(of) && options.contains(of + "-compressible"),
             "both " + go_quote(of) + " and " + go_quote(of + "-compressible") +
                 " cannot be specified together in " + kEnforce);
  }
  std::set<std::string_view> seen;
  for (std::string_view option : c.enforce_node_allocatable()) {
    if (seen.insert(option).second) {
      check_enforcement(c, option, p);
    } else {
      p.add_if(true, "duplicated enforcements " + go_quote(option) + " in " + kEnforce);
    }
  }
}

void check_names(const KubeletConfiguration& c, Problems& p) {
  std::string_view hairpin = c.hairpin_mode();
  p.add_if(hairpin != "none" && hairpin != "hairpin-veth" && hairpin != "promiscuous-bridge",
           "option " + go_quote(hairpin) +
               " specified for hairpinMode (--hairpin-mode). Valid options are \"none\", "
               "\"hairpin-veth\" or \"promiscuous-bridge\"");
  constexpr std::string_view kPolicies[] = {"NeverVerify", "NeverVerifyPreloadedImages",
                                            "NeverVerifyAllowlistedImages", "AlwaysVerify"};
  std::string_view policy = c.image_pull_credentials_verification_policy();
  p.add_if(std::ranges::find(kPolicies, policy) == std::end(kPolicies),
           "option " + go_quote(policy) +
               " specified for imagePullCredentialsVerificationPolicy. Valid options are "
               "\"NeverVerify\", \"NeverVerifyPreloadedImages\", \"NeverVerifyAllowlistedImages\" "
               "or \"AlwaysVerify\"");
  p.add_if(!c.preloaded_images_verification_allowlist().empty() &&
               policy != "NeverVerifyAllowlistedImages",
           "can't set `preloadedImagesVerificationAllowlist` if "
           "`imagePullCredentialsVertificationPolicy` is not \"NeverVerifyAllowlistedImages\"");
  p.add_if(!c.reserved_system_cpus().empty() &&
               (!c.system_reserved_cgroup().empty() || !c.kube_reserved_cgroup().empty()),
           "can't use reservedSystemCPUs (--reserved-cpus) with systemReservedCgroup "
           "(--system-reserved-cgroup) or kubeReservedCgroup (--kube-reserved-cgroup)");
}

void check_machine(const KubeletConfiguration& c, bool cgroup_v2, Problems& p) {
  if (cgroup_v2) return;
  if (c.fail_cgroup_v1()) {
    p.add(
        "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is in "
        "maintenance mode");
    return;
  }
  p.add_if(c.has_single_process_oom_kill() && !c.single_process_oom_kill(),
           "singleProcessOOMKill must not be explicitly set to false when using cgroup v1");
}

// "5s" or nanoseconds, as JSON.
bool is_interval(std::string_view json) {
  if (parse_int(json)) return true;
  if (json.size() < 2 || !json.starts_with('"') || !json.ends_with('"')) return false;
  return parse_go_duration(json.substr(1, json.size() - 2)).has_value();
}

void check_logging(const kubelet_v1beta1::LoggingConfiguration& c, Problems& p) {
  if (c.format() != "text" && c.format() != "json") {
    p.add("logging.format: Invalid value: " + go_quote(c.format()) + ": Unsupported log format");
  }
  if (!is_interval(c.flush_frequency())) {
    p.add("logging.flushFrequency: Invalid value: " + std::string(c.flush_frequency()) +
          ": must be a duration");
  }
  if (c.verbosity() > INT_MAX) {
    p.add("logging.verbosity: Invalid value: " + std::to_string(c.verbosity()) +
          ": Must be <= 2147483647");
  }
}

void check_tracing(const kubelet_v1beta1::TracingConfiguration& c, Problems& p) {
  const std::string path = "tracing.samplingRatePerMillion: Invalid value: ";
  int32_t rate = c.sampling_rate_per_million();
  if (rate < 0) p.add(path + std::to_string(rate) + ": sampling rate must be positive");
  if (rate > 1'000'000) {
    p.add(path + std::to_string(rate) +
          ": sampling rate per million must be less than or equal to one million");
  }
}

void check_logs_of_containers(const KubeletConfiguration& c, Problems& p) {
  double factor = c.memory_throttling_factor();
  p.add_if(factor <= 0 || factor > 1, "memoryThrottlingFactor " + short_text(factor) +
                                          " must be greater than 0 and less than or equal to 1.0");
  p.add_if(c.enable_system_log_query() && !feature_enabled(c.feature_gates(), "NodeLogQuery"),
           "NodeLogQuery feature gate is required for enableSystemLogQuery");
  p.add_if(c.enable_system_log_query() && !c.enable_system_log_handler(),
           "enableSystemLogHandler is required for enableSystemLogQuery");
  p.add_if(c.container_log_max_workers() < 1,
           "containerLogMaxWorkers must be greater than or equal to 1");
  p.add_if(c.container_log_monitor_interval() < 3 * kSecond,
           "containerLogMonitorInterval must be a positive time duration greater than or equal to "
           "3s");
  p.add_if(c.container_log_max_files() <= 1, "containerLogMaxFiles must be greater than 1");
}

void check_pod_logs_dir(std::string_view dir, Problems& p) {
  if (dir.empty()) return;  // our own
  const std::string named = "pod logs path " + go_quote(dir);
  p.add_if(!dir.starts_with('/'), named + " must be absolute path");
  bool clean = dir == "/" || !dir.ends_with('/');
  std::vector<std::string_view> parts = split(dir, '/');
  for (size_t i = 1; i < parts.size() && dir != "/"; ++i) {
    clean = clean && !parts[i].empty() && parts[i] != "." && parts[i] != "..";
  }
  p.add_if(!clean, named + " must be normalized");
  bool ascii = std::ranges::all_of(dir, [](char c) { return static_cast<unsigned char>(c) < 128; });
  p.add_if(!ascii, named + " mut contains ASCII characters only");
}

}  // namespace

Result<void> validate_configuration(const KubeletConfiguration& config, bool cgroup_v2) {
  for (auto [name, on] : config.feature_gates()) {
    if (Result<void> gate = check_feature_gate(name, on); !gate) return gate;
  }
  Problems problems;
  check_events_and_health(config, problems);
  check_images(config, problems);
  check_numbers(config, problems);
  check_pulls_and_modes(config, problems);
  check_taints(config, problems);
  check_topology(config, problems);
  check_shutdown(config, problems);
  check_swap_and_back_off(config, problems);
  check_allocatable(config, problems);
  check_names(config, problems);
  check_machine(config, cgroup_v2, problems);
  check_logging(config.logging(), problems);
  check_tracing(config.tracing(), problems);
  check_logs_of_containers(config, problems);
  check_pod_logs_dir(config.pod_logs_dir(), problems);
  std::string_view mode = config.authorization().mode();
  if (mode != "Webhook" && mode != "AlwaysAllow") {
    problems.add("unknown authorization mode " + std::string(mode));
  }
  return problems.result();
}

}  // namespace tiphys::kubelet
