// SchedulerMetrics: the scheduler's own metrics, with upstream's names, labels and buckets.
// Loop thread only. Source: k8s.io/kubernetes/pkg/scheduler/metrics, v1.35.
//
// Not here, as there is nothing to count: goroutines (there are none), permit waits (no plugin has
// a Permit point), hints and events in flight (a change is looked at once, for all waiting pods),
// batches, DRA. What is made when it is read: queue_incoming_pods_total, pending_pods, cache_size,
// unschedulable_pods.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "base/time.h"

namespace tiphys::scheduler {

class SchedulerMetrics {
 public:
  SchedulerMetrics();

  // result: "scheduled", "unschedulable", "error".
  void attempt(std::string_view result, std::string_view profile, Duration took);
  void algorithm(Duration took) { algorithm_.observe(seconds(took)); }
  // point: "Filter", "Score", "PostFilter", "Bind"; status: "Success", "Unschedulable", "Error".
  void extension_point(std::string_view point, std::string_view status, std::string_view profile,
                       Duration took);
  // A pod was bound after so many attempts, so long after the first time it could be scheduled.
  void scheduled(int attempts, Duration since_first);
  void preempted(size_t victims);

  struct Pending {
    size_t active = 0, backing_off = 0, unschedulable = 0, gated = 0;
  };
  void set_pending(const Pending& pending);
  // How many pods came to which place by which event, since the start.
  void set_incoming(const std::map<std::pair<std::string, std::string>, int64_t>& incoming);
  void plugin_took(std::string_view plugin, std::string_view point, std::string_view status,
                   Duration took) {
    plugin_duration_.with({plugin, point, status}).observe(seconds(took));
  }
  // plugin, point: static texts.
  void plugin_asked(std::string_view plugin, std::string_view point, std::string_view profile,
                    int64_t times);
  void set_cache(size_t nodes, size_t pods, size_t assumed);
  // Which plugins reject a waiting pod; forget() once it waits no more.
  void rejected(const std::string& uid, std::string_view profile,
                const std::vector<std::string_view>& plugins);
  template <class Waits>  // bool(const std::string& uid)
  void forget_unless(const Waits& waits) {
    std::erase_if(rejections_, [&](const auto& entry) { return !waits(entry.first); });
  }
  void forget(const std::string& uid) { rejections_.erase(uid); }

  std::string text();

 private:
  struct Rejection {
    std::string profile;
    std::vector<std::string> plugins;
  };
  static double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
  void count_rejections();

  MetricRegistry registry_;
  MetricFamily<Counter>& attempts_;
  MetricFamily<Histogram>& attempt_duration_;
  Histogram& algorithm_;
  Histogram& victims_;
  Counter& preemptions_;
  MetricFamily<Gauge>& pending_;
  MetricFamily<Histogram>& sli_duration_;
  Histogram& attempts_of_pod_;
  MetricFamily<Histogram>& extension_points_;
  MetricFamily<Gauge>& cache_size_;
  MetricFamily<Gauge>& unschedulable_;
  MetricFamily<Counter>& incoming_;
  MetricFamily<Histogram>& plugin_duration_;
  MetricFamily<Counter>& evaluations_;
  // Found at every decision, so not by name.
  std::map<std::tuple<const char*, const char*, std::string>, Counter*, std::less<>> asked_;
  std::unordered_map<std::string, Rejection> rejections_;
};

}  // namespace tiphys::scheduler
