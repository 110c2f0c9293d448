// KubeletMetrics: what the kubelet counts of itself, under upstream's names: /metrics and
// /metrics/probes.
//
// Loop thread only. Names, help and buckets: k8s.io/kubernetes pkg/kubelet/metrics,
// pkg/kubelet/prober.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/time.h"
#include "client/rest_metrics.h"
#include "kubelet/certificates/certificate_numbers.h"

namespace tiphys::kubelet {

class KubeletMetrics {
 public:
  explicit KubeletMetrics(const std::string& node_name);

  // One call of the CRI, by its name there ("RunPodSandbox").
  void runtime_operation(std::string_view method, Duration took, bool failed);
  // One request to a server: path as it was asked for, long_running: a stream.
  void http_request(std::string_view method, std::string_view path, std::string_view server,
                    Duration took);
  // One pass of a pod's worker: create, sync or sync_terminating...
  void worker_pass(std::string_view operation, Duration took);
  // A sandbox was tried to be made.
  void pod_started(bool failed);
  // From when the pod was seen until all of it ran.
  void pod_start(Duration took);
  // container_type: container, init_container, ephemeral_container.
  void container_started(std::string_view container_type, bool failed);
  void relist(Duration took, Duration since_last, MicroTime now);
  // A pod had to go for a critical one, for want of that resource.
  void preempted(std::string_view resource);
  // A request to the API server.
  void rest_request(const client::Sent& sent) { rest_.count(sent); }
  // A request to one of the servers goes on, or (-1) is over.
  void http_inflight(std::string_view method, std::string_view path, std::string_view server,
                     int change);
  void image_pulled(Duration took, int64_t bytes);
  // reason: age or space.
  void image_removed(std::string_view reason);
  void cgroup_version(int version);
  // A sandbox was made, or not, with this RuntimeClass's handler.
  void sandbox_run(std::string_view handler, Duration took, bool failed);
  // From when the pod was made until the API showed all of it running; sli: without the time that
  // isn't the cluster's own, of pods that count; network: of the pod network, not the host's.
  void pod_start_total(Duration took);
  void pod_start_sli(Duration took, bool network);
  void containers_in_pod(size_t count);
  // Resizes in place. One resource of one container: requirement requests or limits, operation add,
  // remove, increase or decrease.
  void resize_requested(std::string_view resource, std::string_view requirement,
                        std::string_view operation);
  void resize_infeasible(std::string_view detail);
  // A deferred one was granted; trigger: pod_updated, pods_added, pods_removed,
  // periodic_retry.
  void deferred_resize_accepted(std::string_view trigger);
  void resize_actuated(Duration took, bool success);
  struct Probe {
    std::string_view type;    // Liveness, Readiness, Startup
    std::string_view result;  // successful, failed, unknown
    std::string_view container, pod, ns, uid;
  };
  void probe(const Probe& probe, Duration took);

  // Certificates that the API gives; each is asked whenever text() is.
  using CertificateSource = std::function<CertificateNumbers()>;
  void watch_client_certificate(CertificateSource source);
  void watch_serving_certificate(CertificateSource source);
  // The serving certificate was replaced by the next.
  void serving_certificate_lived(Duration age);

  // Numbers of now, which nobody counts.
  struct Now {
    size_t running_pods = 0;
    size_t running_containers = 0;
    size_t exited_containers = 0;
    size_t created_containers = 0;
    size_t desired_pods = 0;  // without the static ones, as the next
    size_t active_pods = 0;
    size_t desired_static_pods = 0;
    size_t active_static_pods = 0;
    size_t ephemeral_containers = 0;
    size_t deferred_resizes = 0;
    size_t infeasible_resizes = 0;
    size_t resizes_in_progress = 0;
  };
  std::string text(const Now& now);
  // What else this process counts, appended to text(). It is called as long as this lives.
  void add_text(std::function<std::string()> more) { more_.push_back(std::move(more)); }
  std::string probes_text() const { return probes_.text(); }

 private:
  struct Certificate {
    CertificateSource source;
    MetricFamily<Gauge>* ttl_seconds;
    MetricFamily<Counter>* renew_errors;
  };
  std::vector<std::function<std::string()>> more_;
  MetricRegistry registry_;
  MetricRegistry probes_;
  MetricFamily<Counter>& operations_;
  MetricFamily<Counter>& operation_errors_;
  MetricFamily<Histogram>& operation_seconds_;
  MetricFamily<Counter>& requests_;
  MetricFamily<Histogram>& request_seconds_;
  MetricFamily<Histogram>& worker_seconds_;
  MetricFamily<Counter>& started_pods_;
  MetricFamily<Counter>& started_pods_errors_;
  MetricFamily<Histogram>& start_seconds_;
  MetricFamily<Counter>& started_containers_;
  MetricFamily<Counter>& started_containers_errors_;
  MetricFamily<Histogram>& relist_seconds_;
  MetricFamily<Histogram>& relist_interval_;
  MetricFamily<Counter>& preemptions_;
  MetricFamily<Counter>& requested_resizes_;
  MetricFamily<Counter>& infeasible_resizes_;
  MetricFamily<Counter>& deferred_accepted_resizes_;
  MetricFamily<Histogram>& resize_milliseconds_;
  MetricFamily<Gauge>& pending_resizes_;
  MetricFamily<Gauge>& in_progress_resizes_;
  MetricFamily<Gauge>& running_pods_;
  MetricFamily<Gauge>& running_containers_;
  MetricFamily<Gauge>& desired_pods_;
  MetricFamily<Gauge>& active_pods_;
  MetricFamily<Gauge>& mirror_pods_;
  MetricFamily<Gauge>& ephemeral_containers_;
  MetricFamily<Gauge>& relist_seen_;
  MetricFamily<Gauge>& inflight_;
  MetricFamily<Gauge>& cgroup_version_;
  MetricFamily<Histogram>& pull_seconds_;
  MetricFamily<Counter>& removed_images_;
  MetricFamily<Histogram>& sandbox_seconds_;
  MetricFamily<Counter>& sandbox_errors_;
  MetricFamily<Histogram>& start_total_seconds_;
  MetricFamily<Histogram>& start_sli_seconds_;
  MetricFamily<Gauge>& first_start_sli_seconds_;
  bool network_start_told_ = false;
  MetricFamily<Histogram>& containers_per_pod_;
  client::RestMetrics rest_;
  MetricFamily<Counter>& probe_total_;
  MetricFamily<Histogram>& probe_seconds_;
  std::vector<Certificate> certificates_;
  MetricFamily<Histogram>* serving_rotation_seconds_ = nullptr;
};

}  // namespace tiphys::kubelet
