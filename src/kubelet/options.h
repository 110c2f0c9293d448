// Options of the kubelet: upstream's flag and KubeletConfiguration names, with upstream's defaults.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/build_info.h"
#include "base/result.h"
#include "base/time.h"
#include "kubelet/certificates/certificate_numbers.h"
#include "object/object.h"

namespace tiphys::kubelet {

struct Options {
  // --- identity ---
  std::string node_name;              // --hostname-override; "": the host's name
  std::string node_ip;                // --node-ip, or a pair; "": found from the default route
  std::vector<std::string> node_ips;  // both of the pair; NodeKeeper::complete() fills it in, and
                                      // node_ip is the first of them then
  std::map<std::string, std::string> node_labels;  // --node-labels
  struct Taint {
    std::string key;
    std::string value;
    std::string effect;
  };
  std::vector<Taint> register_with_taints;  // --register-with-taints
  bool register_node = true;
  std::string provider_id;
  std::string static_pod_path;  // a folder or file of static pods; "": none
  Duration file_check_frequency = std::chrono::seconds(20);
  std::string static_pod_url;  // one pod or a list of them; "": none
  std::map<std::string, std::vector<std::string>> static_pod_url_header;
  Duration http_check_frequency = std::chrono::seconds(20);
  // The API's validation of a pod, for static ones; none: only the least is checked.
  std::function<Result<void>(const Object& pod)> check_pod;

  // --- folders ---
  std::string data_dir =
      "/var/lib/tiphys";     // containerd/, cni/, images/, kubelet/ (root_dir), pods' logs
  std::string root_dir;      // --root-dir; "": <data_dir>/kubelet
  std::string pod_logs_dir;  // "": <data_dir>/log/pods

  // --- runtime ---
  std::string container_runtime_endpoint;  // "": a containerd of our own; else unix:///...sock
  std::string containerd_program = "containerd";
  std::vector<std::string> cni_bin_dirs = {"/opt/cni/bin",
                                           "/usr/lib/cni"};    // the first with bridge
  Duration runtime_request_timeout = std::chrono::minutes(2);  // of ordinary calls
  std::string cgroup_root;  // --cgroup-root; pods are in <cgroup_root>/kubepods

  // --- pod network ---
  bool configure_cni = true;  // writes the bridge's CNI configuration
  std::string bridge_name = "tiphys0";
  bool node_routes = false;  // keeps routes to the other nodes' pods (RouteKeeper)
  // Each one range, or one of each family ("10.42.0.0/24,fd00:42::/64").
  std::string pod_cidr;                       // --pod-cidr; used until node.spec.podCIDRs are set
  std::string cluster_cidr = "10.42.0.0/16";  // not masqueraded
  std::vector<std::string> cluster_dns = {"10.43.0.10"};
  std::string cluster_domain = "cluster.local";
  std::string resolv_conf = "/etc/resolv.conf";

  // --- API ---
  Duration node_status_update_frequency = std::chrono::seconds(10);
  Duration node_status_report_frequency = std::chrono::minutes(5);
  int64_t node_lease_duration_seconds = 40;
  Duration sync_frequency = std::chrono::minutes(1);
  int64_t max_pods = 110;
  // crashLoopBackOff.maxContainerRestartPeriod
  Duration max_container_restart_period = std::chrono::minutes(5);
  int64_t node_status_max_images = 50;  // -1: all
  // Requests a second of this node and of its events; 0: no limit.
  int64_t kube_api_qps = 0;
  int64_t kube_api_burst = 0;
  int64_t event_record_qps = 0;
  int64_t event_burst = 0;

  // --- resources ---
  int64_t pods_per_core = 0;                           // 0: only max_pods counts
  std::map<std::string, std::string> system_reserved;  // resource -> quantity; "pid": processes
  std::map<std::string, std::string> kube_reserved;
  std::string system_reserved_cgroup;  // limited with "system-reserved" in enforce_node_allocatable
  std::string kube_reserved_cgroup;    // with "kube-reserved"
  std::vector<std::string> enforce_node_allocatable = {"pods"};
  // Signal -> quantity or percentage; what is kept of memory and disk isn't allocatable.
  std::map<std::string, std::string> eviction_hard = {{"memory.available", "100Mi"},
                                                      {"nodefs.available", "10%"},
                                                      {"nodefs.inodesFree", "5%"},
                                                      {"imagefs.available", "15%"},
                                                      {"imagefs.inodesFree", "5%"}};
  bool cpu_cfs_quota = true;
  Duration cpu_cfs_quota_period = std::chrono::milliseconds(100);
  int64_t pod_pids_limit = -1;                      // -1: no limit
  bool seccomp_default = false;                     // RuntimeDefault where a pod says nothing
  std::vector<std::string> allowed_unsafe_sysctls;  // or prefixes of them, ending in "*"
  Duration image_minimum_gc_age = std::chrono::minutes(2);
  Duration image_maximum_gc_age = Duration::zero();  // zero: age alone removes no image
  int64_t image_gc_high_threshold_percent = 85;      // 100: never
  int64_t image_gc_low_threshold_percent = 80;
  int64_t container_log_max_size = 10 << 20;  // bytes; negative: logs are not rotated
  int64_t container_log_max_files = 5;        // of one container, with the one in use
  int64_t container_log_max_workers = 1;
  Duration container_log_monitor_interval = std::chrono::seconds(10);
  // Whether an end for lack of memory takes one process only; cgroup v1 can't do otherwise.
  bool single_process_oom_kill = false;

  // --- server ---
  bool enable_server = true;
  bool enable_debugging_handlers = true;   // logs, exec, attach, port-forward, /runningpods
  bool enable_system_log_handler = true;   // /logs/
  bool enable_profiling_handler = true;    // /debug/pprof/, of which only cmdline is here
  bool enable_debug_flags_handler = true;  // /debug/flags/v
  std::string address = "0.0.0.0";
  uint16_t port = 10250;                                               // 0: any
  Duration streaming_connection_idle_timeout = std::chrono::hours(4);  // zero: none
  std::string cert_dir;      // --cert-dir; "": <root_dir>/pki
  std::string tls_cert_pem;  // "": self-signed, kept in cert_dir
  std::string tls_key_pem;
  std::string tls_cert_file;  // where these two are from, and followed; "": nowhere
  std::string tls_private_key_file;
  std::string client_ca_pem;    // authentication.x509.clientCAFile; "": no client certificates
  std::string client_ca_file;   // where it is from, and followed; "": nowhere
  std::string tls_min_version;  // "": VersionTLS12
  std::vector<std::string> tls_cipher_suites;  // Go's names; of TLS 1.2; empty: OpenSSL's choice
  bool rotate_certificates = false;            // the client's, made by bootstrap
  bool server_tls_bootstrap = false;           // the serving certificate comes from the API
  bool anonymous_auth = false;
  bool authentication_webhook = true;  // bearer tokens, by TokenReview
  Duration token_cache_ttl = std::chrono::minutes(2);
  bool authorization_always_allow = false;  // authorization.mode; false: Webhook
  Duration authorized_ttl = std::chrono::minutes(5);
  Duration unauthorized_ttl = std::chrono::seconds(30);
  uint16_t read_only_port = 0;  // plain HTTP, for anyone; 0: none
  std::string healthz_bind_address = "127.0.0.1";
  uint16_t healthz_port = 10248;  // plain HTTP; 0: none
  // Of the certificate that the kubelet calls the API with; null: nothing is measured of it.
  std::function<CertificateNumbers()> client_certificate;
  std::string configuration_json;  // what /configz shows; "": it shows nothing

  std::string version = std::string(kBuildInfo.git_version);
};

}  // namespace tiphys::kubelet
