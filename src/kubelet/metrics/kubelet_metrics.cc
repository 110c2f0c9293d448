#include "kubelet/metrics/kubelet_metrics.h"

#include <algorithm>
#include <utility>

#include "base/build_info.h"
#include "base/strings.h"
#include "kubelet/metrics/process_metrics.h"

namespace tiphys::kubelet {
namespace {

using Bounds = std::vector<double>;

const Bounds kDefault = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
const Bounds kPull = {1,   5,   10,  20,  30,  60,   120,  180,  240,
                      300, 360, 480, 600, 900, 1200, 1800, 2700, 3600};
const Bounds kPodStart = {0.5, 1,   2,   3,   4,   5,   6,   8,   10,   20,   30,   45,  60,
                          120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600};

const Bounds kResize = {10,    50,    100,   500,   1000,   2000,   5000,
                        10000, 20000, 30000, 60000, 120000, 300000, 600000};

// A minute, 1 and 4 hours, a day, a week, 1, 3 and 6 months, 1 and 4 years.
const Bounds kCertificateAges = {60,      3600,    14400,    86400,    604800,
                                 2592000, 7776000, 15552000, 31104000, 124416000};

Bounds exponential(double first, double factor, int count) {
  Bounds out;
  for (int i = 0; i < count; ++i, first *= factor) out.push_back(first);
  return out;
}

// Labels of images by their size: the last that is smaller.
struct ImageSize {
  int64_t over;  // MiB
  std::string_view label;
};
constexpr ImageSize kImageSizes[] = {
    {0, "0-10MB"},           {10, "10MB-100MB"},       {100, "100MB-500MB"},
    {500, "500MB-1GB"},      {1 << 10, "1GB-5GB"},     {5 << 10, "5GB-10GB"},
    {10 << 10, "10GB-20GB"}, {20 << 10, "20GB-30GB"},  {30 << 10, "30GB-40GB"},
    {40 << 10, "40GB-60GB"}, {60 << 10, "60GB-100GB"}, {100 << 10, "GT100GB"}};

std::string_view size_label(int64_t bytes) {
  std::string_view out = "N/A";
  for (const ImageSize& size : kImageSizes) {
    if (bytes > size.over << 20) out = size.label;
  }
  return out;
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// CRI's names where upstream's are not simply those in snake case.
struct Name {
  std::string_view method;
  std::string_view operation;
};
constexpr Name kOperations[] = {
    {"RunPodSandbox", "run_podsandbox"},       {"StopPodSandbox", "stop_podsandbox"},
    {"RemovePodSandbox", "remove_podsandbox"}, {"PodSandboxStatus", "podsandbox_status"},
    {"ListPodSandbox", "list_podsandbox"},     {"ReopenContainerLog", "reopen_container_log"},
    {"ImageFsInfo", "image_fs_info"}};

std::string operation_type(std::string_view method) {
  auto known = std::ranges::find(kOperations, method, &Name::method);
  if (known != std::end(kOperations)) return std::string(known->operation);
  std::string out;
  for (char c : method) {
    bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty()) out += '_';
    out += upper ? static_cast<char>(c + 32) : c;
  }
  return out;
}

// What may be a label: callers choose paths and methods.
constexpr std::string_view kPaths[] = {
    "attach",  "checkpoint",  "configz", "containerLogs",    "debug",          "exec",
    "healthz", "logs",        "metrics", "metrics/cadvisor", "metrics/probes", "metrics/resource",
    "pods",    "portForward", "run",     "runningpods",      "stats"};
constexpr std::string_view kMethods[] = {"GET",    "HEAD",    "POST",  "PUT",
                                         "DELETE", "CONNECT", "TRACE", "OPTIONS"};
constexpr std::string_view kStreams[] = {"exec", "attach", "portForward", "debug"};

template <size_t N>
bool is_one_of(std::string_view text, const std::string_view (&list)[N]) {
  return std::ranges::find(list, text) != std::end(list);
}

std::string_view path_label(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (is_one_of(path, kPaths)) return path;
  std::string_view root = path.substr(0, path.find('/'));
  return is_one_of(root, kPaths) ? root : "other";
}

}  // namespace

KubeletMetrics::KubeletMetrics(const std::string& node_name)
    : operations_(registry_.counter("kubelet_runtime_operations_total",
                                    "[ALPHA] Cumulative number of runtime operations by operation "
                                    "type.",
                                    {"operation_type"})),
      operation_errors_(registry_.counter("kubelet_runtime_operations_errors_total",
                                          "[ALPHA] Cumulative number of runtime operation errors "
                                          "by operation type.",
                                          {"operation_type"})),
      operation_seconds_(registry_.histogram("kubelet_runtime_operations_duration_seconds",
                                             "[ALPHA] Duration in seconds of runtime operations. "
                                             "Broken down by operation type.",
                                             {"operation_type"}, exponential(0.005, 2.5, 14))),
      requests_(registry_.counter("kubelet_http_requests_total",
                                  "[ALPHA] Number of the http requests received since the server "
                                  "started",
                                  {"method", "path", "server_type", "long_running"})),
      request_seconds_(registry_.histogram("kubelet_http_requests_duration_seconds",
                                           "[ALPHA] Duration in seconds to serve http requests",
                                           {"method", "path", "server_type", "long_running"},
                                           kDefault)),
      worker_seconds_(registry_.histogram("kubelet_pod_worker_duration_seconds",
                                          "[ALPHA] Duration in seconds to sync a single pod. "
                                          "Broken down by operation type: create, update, or sync",
                                          {"operation_type"}, kDefault)),
      started_pods_(registry_.counter("kubelet_started_pods_total",
                                      "[ALPHA] Cumulative number of pods started")),
      started_pods_errors_(registry_.counter("kubelet_started_pods_errors_total",
                                             "[ALPHA] Cumulative number of errors when starting "
                                             "pods",
                                             {"code"})),
      start_seconds_(registry_.histogram("kubelet_pod_start_duration_seconds",
                                         "[ALPHA] Duration in seconds from kubelet seeing a pod "
                                         "for the first time to the pod starting to run",
                                         {}, kPodStart)),
      started_containers_(registry_.counter("kubelet_started_containers_total",
                                            "[ALPHA] Cumulative number of containers started",
                                            {"container_type"})),
      started_containers_errors_(registry_.counter("kubelet_started_containers_errors_total",
                                                   "[ALPHA] Cumulative number of errors when "
                                                   "starting containers",
                                                   {"container_type", "code"})),
      relist_seconds_(registry_.histogram("kubelet_pleg_relist_duration_seconds",
                                          "[ALPHA] Duration in seconds for relisting pods in PLEG.",
                                          {}, kDefault)),
      relist_interval_(registry_.histogram("kubelet_pleg_relist_interval_seconds",
                                           "[ALPHA] Interval in seconds between relisting in PLEG.",
                                           {}, kDefault)),
      preemptions_(registry_.counter("kubelet_preemptions",
                                     "[ALPHA] Cumulative number of pod preemptions by preemption "
                                     "resource",
                                     {"preemption_signal"})),
      requested_resizes_(registry_.counter(
          "kubelet_container_requested_resizes_total",
          "[ALPHA] Number of requested resizes, counted at the container level. Different "
          "resources on the same container are counted separately. The 'requirement' label refers "
          "to 'memory' or 'limits'; the 'operation' label can be one of 'add', 'remove', "
          "'increase' or 'decrease'.",
          {"operation", "requirement", "resource"})),
      infeasible_resizes_(registry_.counter("kubelet_pod_infeasible_resizes_total",
                                            "[ALPHA] Number of infeasible resizes for pods.",
                                            {"reason_detail"})),
      deferred_accepted_resizes_(registry_.counter("kubelet_pod_deferred_accepted_resizes_total",
                                                   "[ALPHA] Cumulative number of resizes that "
                                                   "were accepted after being deferred.",
                                                   {"retry_trigger"})),
      resize_milliseconds_(registry_.histogram("kubelet_pod_resize_duration_milliseconds",
                                               "[ALPHA] Duration in milliseconds to actuate a pod "
                                               "resize",
                                               {"success"}, kResize)),
      pending_resizes_(registry_.gauge("kubelet_pod_pending_resizes",
                                       "[ALPHA] Number of pending resizes for pods.", {"reason"})),
      in_progress_resizes_(registry_.gauge("kubelet_pod_in_progress_resizes",
                                           "[ALPHA] Number of in-progress resizes for pods.")),
      running_pods_(registry_.gauge("kubelet_running_pods",
                                    "[ALPHA] Number of pods that have a running pod sandbox")),
      running_containers_(registry_.gauge("kubelet_running_containers",
                                          "[ALPHA] Number of containers currently running",
                                          {"container_state"})),
      desired_pods_(registry_.gauge("kubelet_desired_pods",
                                    "[ALPHA] The number of pods the kubelet is being instructed to "
                                    "run.",
                                    {"static"})),
      active_pods_(registry_.gauge(
          "kubelet_active_pods",
          "[ALPHA] The number of pods the kubelet considers active and which are being considered "
          "when admitting new pods. static is true if the pod is not from the apiserver.",
          {"static"})),
      mirror_pods_(registry_.gauge("kubelet_mirror_pods",
                                   "[ALPHA] The number of mirror pods the kubelet will try to "
                                   "create (one per admitted static pod)")),
      ephemeral_containers_(registry_.gauge("kubelet_managed_ephemeral_containers",
                                            "[ALPHA] Current number of ephemeral containers in "
                                            "pods managed by this kubelet.")),
      relist_seen_(registry_.gauge("kubelet_pleg_last_seen_seconds",
                                   "[ALPHA] Timestamp in seconds when PLEG was last seen active.")),
      inflight_(registry_.gauge("kubelet_http_inflight_requests",
                                "[ALPHA] Number of the inflight http requests",
                                {"method", "path", "server_type", "long_running"})),
      cgroup_version_(
          registry_.gauge("kubelet_cgroup_version", "[ALPHA] cgroup version on the hosts.")),
      pull_seconds_(registry_.histogram("kubelet_image_pull_duration_seconds",
                                        "[ALPHA] Duration in seconds to pull an image.",
                                        {"image_size_in_bytes"}, kPull)),
      removed_images_(registry_.counter("kubelet_image_garbage_collected_total",
                                        "[ALPHA] Total number of images garbage collected by the "
                                        "kubelet, whether through disk usage or image age.",
                                        {"reason"})),
      sandbox_seconds_(registry_.histogram("kubelet_run_podsandbox_duration_seconds",
                                           "[ALPHA] Duration in seconds of the run_podsandbox "
                                           "operations. Broken down by RuntimeClass.Handler.",
                                           {"runtime_handler"}, kDefault)),
      sandbox_errors_(registry_.counter("kubelet_run_podsandbox_errors_total",
                                        "[ALPHA] Cumulative number of the run_podsandbox operation "
                                        "errors by RuntimeClass.Handler.",
                                        {"runtime_handler"})),
      start_total_seconds_(registry_.histogram(
          "kubelet_pod_start_total_duration_seconds",
          "[ALPHA] Duration in seconds to start a pod since creation, including time to pull "
          "images and run init containers, measured from pod creation timestamp to when all its "
          "containers are reported as started and observed via watch",
          {}, kPodStart)),
      start_sli_seconds_(registry_.histogram(
          "kubelet_pod_start_sli_duration_seconds",
          "[ALPHA] Duration in seconds to start a pod, excluding time to pull images and run init "
          "containers, measured from pod creation timestamp to when all its containers are "
          "reported as started and observed via watch",
          {}, kPodStart)),
      first_start_sli_seconds_(registry_.gauge(
          "kubelet_first_network_pod_start_sli_duration_seconds",
          "[INTERNAL] Duration in seconds to start the first network pod, excluding time to pull "
          "images and run init containers, measured from pod creation timestamp to when all its "
          "containers are reported as started and observed via watch")),
      containers_per_pod_(registry_.histogram("kubelet_containers_per_pod_count",
                                              "[ALPHA] The number of containers per pod.", {},
                                              exponential(1, 2, 5))),
      rest_(registry_),
      probe_total_(
          probes_.counter("prober_probe_total",
                          "[BETA] Cumulative number of a liveness, readiness or startup "
                          "probe for a container by result.",
                          {"container", "namespace", "pod", "pod_uid", "probe_type", "result"})),
      probe_seconds_(probes_.histogram("prober_probe_duration_seconds",
                                       "[ALPHA] Duration in seconds for a probe response.",
                                       {"container", "namespace", "pod", "probe_type"}, kDefault)) {
  registry_.gauge("kubelet_node_name", "[ALPHA] The node's name. The count is always 1.", {"node"})
      .with({node_name})
      .set(1);
}

void KubeletMetrics::runtime_operation(std::string_view method, Duration took, bool failed) {
  std::string type = operation_type(method);
  operations_.with({type}).add();
  operation_seconds_.with({type}).observe(seconds(took));
  if (failed) operation_errors_.with({type}).add();
}

void KubeletMetrics::http_inflight(std::string_view method, std::string_view path,
                                   std::string_view server, int change) {
  std::string_view label = path_label(path);
  std::string_view by = is_one_of(method, kMethods) ? method : "other";
  inflight_.with({by, label, server, is_one_of(label, kStreams) ? "true" : "false"}).add(change);
}

void KubeletMetrics::image_pulled(Duration took, int64_t bytes) {
  pull_seconds_.with({size_label(bytes)}).observe(seconds(took));
}

void KubeletMetrics::image_removed(std::string_view reason) {
  removed_images_.with({reason}).add();
}

void KubeletMetrics::cgroup_version(int version) { cgroup_version_.get().set(version); }

void KubeletMetrics::sandbox_run(std::string_view handler, Duration took, bool failed) {
  sandbox_seconds_.with({handler}).observe(seconds(took));
  if (failed) sandbox_errors_.with({handler}).add();
}

void KubeletMetrics::pod_start_total(Duration took) {
  start_total_seconds_.get().observe(seconds(took));
}

void KubeletMetrics::pod_start_sli(Duration took, bool network) {
  start_sli_seconds_.get().observe(seconds(took));
  if (network && !std::exchange(network_start_told_, true)) {
    first_start_sli_seconds_.get().set(seconds(took));
  }
}

void KubeletMetrics::containers_in_pod(size_t count) {
  containers_per_pod_.get().observe(static_cast<double>(count));
}

void KubeletMetrics::http_request(std::string_view method, std::string_view path,
                                  std::string_view server, Duration took) {
  std::string_view label = path_label(path);
  std::string_view by = is_one_of(method, kMethods) ? method : "other";
  std::string_view streams = is_one_of(label, kStreams) ? "true" : "false";
  requests_.with({by, label, server, streams}).add();
  request_seconds_.with({by, label, server, streams}).observe(seconds(took));
}

void KubeletMetrics::worker_pass(std::string_view operation, Duration took) {
  worker_seconds_.with({operation}).observe(seconds(took));
}

void KubeletMetrics::pod_started(bool failed) {
  started_pods_.get().add();
  if (failed) started_pods_errors_.with({"Unknown"}).add();
}

void KubeletMetrics::pod_start(Duration took) { start_seconds_.get().observe(seconds(took)); }

void KubeletMetrics::container_started(std::string_view container_type, bool failed) {
  started_containers_.with({container_type}).add();
  if (failed) started_containers_errors_.with({container_type, "RunContainerError"}).add();
}

void KubeletMetrics::relist(Duration took, Duration since_last, MicroTime now) {
  relist_seen_.get().set(static_cast<double>(now / kMicrosPerSecond));
  relist_seconds_.get().observe(seconds(took));
  if (since_last > Duration::zero()) relist_interval_.get().observe(seconds(since_last));
}

void KubeletMetrics::preempted(std::string_view resource) { preemptions_.with({resource}).add(); }

void KubeletMetrics::resize_requested(std::string_view resource, std::string_view requirement,
                                      std::string_view operation) {
  requested_resizes_.with({operation, requirement, resource}).add();
}

void KubeletMetrics::resize_infeasible(std::string_view detail) {
  infeasible_resizes_.with({detail}).add();
}

void KubeletMetrics::deferred_resize_accepted(std::string_view trigger) {
  deferred_accepted_resizes_.with({trigger}).add();
}

void KubeletMetrics::resize_actuated(Duration took, bool success) {
  resize_milliseconds_.with({success ? "true" : "false"}).observe(seconds(took) * 1000);
}

void KubeletMetrics::probe(const Probe& p, Duration took) {
  probe_total_.with({p.container, p.ns, p.pod, p.uid, p.type, p.result}).add();
  probe_seconds_.with({p.container, p.ns, p.pod, p.type}).observe(seconds(took));
}

void KubeletMetrics::watch_client_certificate(CertificateSource source) {
  certificates_.push_back(
      {std::move(source),
       &registry_.gauge("kubelet_certificate_manager_client_ttl_seconds",
                        "[ALPHA] Gauge of the TTL (time-to-live) of the Kubelet's client "
                        "certificate. The value is in seconds until certificate expiry (negative "
                        "if already expired). If client certificate is invalid or unused, the "
                        "value will be +INF."),
       &registry_.counter("kubelet_certificate_manager_client_expiration_renew_errors",
                          "[ALPHA] Counter of certificate renewal errors.")});
}

void KubeletMetrics::watch_serving_certificate(CertificateSource source) {
  certificates_.push_back(
      {std::move(source),
       &registry_.gauge("kubelet_certificate_manager_server_ttl_seconds",
                        "[ALPHA] Gauge of the shortest TTL (time-to-live) of the Kubelet's serving "
                        "certificate. The value is in seconds until certificate expiry (negative "
                        "if already expired). If serving certificate is invalid or unused, the "
                        "value will be +INF."),
       &registry_.counter("kubelet_server_expiration_renew_errors",
                          "[ALPHA] Counter of certificate renewal errors.")});
  serving_rotation_seconds_ = &registry_.histogram(
      "kubelet_certificate_manager_server_rotation_seconds",
      "[ALPHA] Histogram of the number of seconds the previous certificate lived before being "
      "rotated.",
      {}, kCertificateAges);
}

void KubeletMetrics::serving_certificate_lived(Duration age) {
  if (serving_rotation_seconds_) serving_rotation_seconds_->get().observe(seconds(age));
}

std::string KubeletMetrics::text(const Now& now) {
  running_pods_.get().set(static_cast<double>(now.running_pods));
  running_containers_.with({"running"}).set(static_cast<double>(now.running_containers));
  running_containers_.with({"exited"}).set(static_cast<double>(now.exited_containers));
  running_containers_.with({"created"}).set(static_cast<double>(now.created_containers));
  desired_pods_.with({""}).set(static_cast<double>(now.desired_pods));
  desired_pods_.with({"true"}).set(static_cast<double>(now.desired_static_pods));
  active_pods_.with({""}).set(static_cast<double>(now.active_pods));
  active_pods_.with({"true"}).set(static_cast<double>(now.active_static_pods));
  mirror_pods_.get().set(static_cast<double>(now.desired_static_pods));
  ephemeral_containers_.get().set(static_cast<double>(now.ephemeral_containers));
  pending_resizes_.with({"deferred"}).set(static_cast<double>(now.deferred_resizes));
  pending_resizes_.with({"infeasible"}).set(static_cast<double>(now.infeasible_resizes));
  in_progress_resizes_.get().set(static_cast<double>(now.resizes_in_progress));
  for (const Certificate& one : certificates_) {
    CertificateNumbers numbers = one.source();
    one.ttl_seconds->get().set(numbers.ttl_seconds);
    Counter& errors = one.renew_errors->get();
    errors.add(numbers.renew_errors - errors.value());
  }
  std::string out = registry_.text() + build_info_text() + process_metrics_text();
  for (const auto& more : more_) out += more();
  return out;
}

}  // namespace tiphys::kubelet
