#include "kubelet/config/configuration_options.h"

#include "kubelet/pods/sysctls.h"
#include "object/quantity.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

using kubelet_v1beta1::KubeletConfiguration;

std::vector<std::string> list_of(const ListView<std::string_view>& from) {
  std::vector<std::string> out;
  for (std::string_view item : from) out.emplace_back(item);
  return out;
}

std::map<std::string, std::string> map_of(const MapView<std::string_view>& from) {
  std::map<std::string, std::string> out;
  for (auto [key, value] : from) out.emplace(key, value);
  return out;
}

// metav1.Duration counts nanoseconds.
Duration duration_of(int64_t nanoseconds) { return Duration(nanoseconds); }

void set_if(std::string_view from, std::string& to) {
  if (!from.empty()) to = from;
}

void apply_node(const KubeletConfiguration& c, Options& to) {
  to.register_node = c.register_node();
  set_if(c.provider_id(), to.provider_id);
  set_if(c.static_pod_path(), to.static_pod_path);
  to.file_check_frequency = duration_of(c.file_check_frequency());
  set_if(c.static_pod_url(), to.static_pod_url);
  for (auto [name, values] : c.static_pod_url_header()) {
    to.static_pod_url_header[std::string(name)] = list_of(values);
  }
  to.http_check_frequency = duration_of(c.http_check_frequency());
  for (core_v1::Taint taint : c.register_with_taints()) {
    to.register_with_taints.push_back(
        {std::string(taint.key()), std::string(taint.value()), std::string(taint.effect())});
  }
  to.node_status_update_frequency = duration_of(c.node_status_update_frequency());
  to.node_status_report_frequency = duration_of(c.node_status_report_frequency());
  to.node_lease_duration_seconds = c.node_lease_duration_seconds();
  to.sync_frequency = duration_of(c.sync_frequency());
  to.max_pods = c.max_pods();
  to.max_container_restart_period =
      duration_of(c.crash_loop_back_off().max_container_restart_period());
  to.node_status_max_images = c.node_status_max_images();
  to.system_reserved = map_of(c.system_reserved());
  to.kube_reserved = map_of(c.kube_reserved());
  constexpr int64_t kDefaultQps = 50;  // "If 0 will use DefaultQPS: 50"
  to.kube_api_qps = c.kube_apiqps() > 0 ? c.kube_apiqps() : kDefaultQps;
  to.kube_api_burst = c.kube_api_burst();
  to.event_record_qps = c.event_record_qps();
  to.event_burst = c.event_burst();
}

// Without mergeDefaultEvictionSettings, what is given stands alone.
void apply_eviction(const KubeletConfiguration& c, Options& to) {
  if (!c.has_eviction_hard()) return;
  if (!c.merge_default_eviction_settings()) to.eviction_hard.clear();
  for (auto [signal, value] : c.eviction_hard()) to.eviction_hard[std::string(signal)] = value;
}

Result<void> apply_resources(const KubeletConfiguration& c, Options& to) {
  to.pods_per_core = c.pods_per_core();
  to.system_reserved_cgroup = c.system_reserved_cgroup();
  to.kube_reserved_cgroup = c.kube_reserved_cgroup();
  to.enforce_node_allocatable = list_of(c.enforce_node_allocatable());
  to.cpu_cfs_quota = c.cpu_cfs_quota();
  to.cpu_cfs_quota_period = duration_of(c.cpu_cfs_quota_period());
  to.pod_pids_limit = c.pod_pids_limit();
  to.container_log_max_files = c.container_log_max_files();
  to.container_log_max_workers = c.container_log_max_workers();
  to.container_log_monitor_interval = duration_of(c.container_log_monitor_interval());
  to.single_process_oom_kill = c.single_process_oom_kill();
  apply_eviction(c, to);
  to.image_minimum_gc_age = duration_of(c.image_minimum_gc_age());
  to.image_maximum_gc_age = duration_of(c.image_maximum_gc_age());
  to.image_gc_high_threshold_percent = c.image_gc_high_threshold_percent();
  to.image_gc_low_threshold_percent = c.image_gc_low_threshold_percent();
  to.seccomp_default = c.seccomp_default();
  to.allowed_unsafe_sysctls = list_of(c.allowed_unsafe_sysctls());
  for (const std::string& pattern : to.allowed_unsafe_sysctls) {
    std::string problem = allowed_sysctl_problem(pattern);
    if (!problem.empty()) return ApiStatus::bad_request(problem);
  }
  Result<Quantity> size = Quantity::parse(c.container_log_max_size());
  if (!size) {
    return ApiStatus::bad_request("containerLogMaxSize: " + size.error().message());
  }
  to.container_log_max_size = size->value();
  return {};
}

void apply_pods(const KubeletConfiguration& c, Options& to) {
  set_if(c.pod_logs_dir(), to.pod_logs_dir);
  set_if(c.container_runtime_endpoint(), to.container_runtime_endpoint);
  to.runtime_request_timeout = duration_of(c.runtime_request_timeout());
  set_if(c.cgroup_root(), to.cgroup_root);
  set_if(c.pod_cidr(), to.pod_cidr);
  if (!c.cluster_dns().empty()) to.cluster_dns = list_of(c.cluster_dns());
  set_if(c.cluster_domain(), to.cluster_domain);
  to.resolv_conf = c.resolv_conf();
}

void apply_access(const KubeletConfiguration& c, Options& to) {
  to.anonymous_auth = c.authentication().anonymous().enabled();
  to.authentication_webhook = c.authentication().webhook().enabled();
  to.token_cache_ttl = duration_of(c.authentication().webhook().cache_ttl());
  to.authorization_always_allow = c.authorization().mode() == "AlwaysAllow";
  to.authorized_ttl = duration_of(c.authorization().webhook().cache_authorized_ttl());
  to.unauthorized_ttl = duration_of(c.authorization().webhook().cache_unauthorized_ttl());
}

void apply_server(const KubeletConfiguration& c, Options& to) {
  to.enable_server = c.enable_server();
  to.enable_debugging_handlers = c.enable_debugging_handlers();
  to.enable_system_log_handler = c.enable_system_log_handler();
  to.enable_profiling_handler = c.enable_profiling_handler();
  to.enable_debug_flags_handler = c.enable_debug_flags_handler();
  to.streaming_connection_idle_timeout = duration_of(c.streaming_connection_idle_timeout());
  to.address = c.address();
  to.port = static_cast<uint16_t>(c.port());
  to.read_only_port = static_cast<uint16_t>(c.read_only_port());
  to.healthz_bind_address = c.healthz_bind_address();
  to.healthz_port = static_cast<uint16_t>(c.healthz_port());
  to.tls_min_version = c.tls_min_version();
  to.tls_cipher_suites = list_of(c.tls_cipher_suites());
  to.rotate_certificates = c.rotate_certificates();
  to.server_tls_bootstrap = c.server_tls_bootstrap();
}

Result<void> read_file_into(std::string_view path, std::string& to) {
  if (path.empty()) return {};
  TIPHYS_TRY(std::string, text, os::read_file(std::string(path)));
  to = std::move(text);
  return {};
}

}  // namespace

Result<void> apply_configuration(const Configuration& config, Options& options) {
  KubeletConfiguration c = config.view();
  apply_node(c, options);
  apply_pods(c, options);
  apply_access(c, options);
  apply_server(c, options);
  if (Result<void> resources = apply_resources(c, options); !resources) return resources;
  options.client_ca_file = c.authentication().x509().client_ca_file();
  options.tls_cert_file = c.tls_cert_file();
  options.tls_private_key_file = c.tls_private_key_file();
  Result<void> read = read_file_into(options.client_ca_file, options.client_ca_pem);
  if (read) read = read_file_into(options.tls_cert_file, options.tls_cert_pem);
  if (read) read = read_file_into(options.tls_private_key_file, options.tls_key_pem);
  options.configuration_json = config.json();
  return read;
}

}  // namespace tiphys::kubelet
