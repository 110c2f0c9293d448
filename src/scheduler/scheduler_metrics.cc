#include "scheduler/scheduler_metrics.h"

#include <map>

namespace tiphys::scheduler {
namespace {

constexpr int kMostAttempts = 15;  // told apart; more count as the last

std::vector<double> exponential(double first, double factor, int count) {
  std::vector<double> bounds;
  for (int i = 0; i < count; ++i, first *= factor) bounds.push_back(first);
  return bounds;
}

}  // namespace

SchedulerMetrics::SchedulerMetrics()
    : attempts_(registry_.counter(
          "scheduler_schedule_attempts_total",
          "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could "
          "not be scheduled, while 'error' means an internal scheduler problem.",
          {"result", "profile"})),
      attempt_duration_(registry_.histogram(
          "scheduler_scheduling_attempt_duration_seconds",
          "Scheduling attempt latency in seconds (scheduling algorithm + binding)",
          {"result", "profile"}, exponential(0.001, 2, 15))),
      algorithm_(registry_
                     .histogram("scheduler_scheduling_algorithm_duration_seconds",
                                "Scheduling algorithm latency in seconds", {},
                                exponential(0.001, 2, 15))
                     .get()),
      victims_(registry_
                   .histogram("scheduler_preemption_victims",
                              "Number of selected preemption victims", {}, exponential(1, 2, 7))
                   .get()),
      preemptions_(registry_
                       .counter("scheduler_preemption_attempts_total",
                                "Total preemption attempts in the cluster till now")
                       .get()),
      pending_(
          registry_.gauge("scheduler_pending_pods",
                          "Number of pending pods, by the queue type: 'active', 'backoff', "
                          "'unschedulable' (attempted and failed) or 'gated' (never attempted)",
                          {"queue"})),
      sli_duration_(registry_.histogram(
          "scheduler_pod_scheduling_sli_duration_seconds",
          "E2e latency for a pod being scheduled, from the time the pod enters the scheduling "
          "queue and might involve multiple scheduling attempts.",
          {"attempts"}, exponential(0.01, 2, 20))),
      attempts_of_pod_(registry_
                           .histogram("scheduler_pod_scheduling_attempts",
                                      "Number of attempts to successfully schedule a pod.", {},
                                      exponential(1, 2, 5))
                           .get()),
      extension_points_(registry_.histogram(
          "scheduler_framework_extension_point_duration_seconds",
          "Latency for running all plugins of a specific extension point.",
          {"extension_point", "status", "profile"}, exponential(0.0001, 2, 12))),
      cache_size_(registry_.gauge(
          "scheduler_cache_size",
          "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.", {"type"})),
      unschedulable_(registry_.gauge(
          "scheduler_unschedulable_pods",
          "The number of unschedulable pods broken down by plugin name. A pod will increment the "
          "gauge for all plugins that caused it to not schedule and so this metric have meaning "
          "only when broken down by plugin.",
          {"plugin", "profile"})),
      incoming_(registry_.counter("scheduler_queue_incoming_pods_total",
                                  "Number of pods added to scheduling queues by event and queue "
                                  "type.",
                                  {"queue", "event"})),
      plugin_duration_(registry_.histogram(
          "scheduler_plugin_execution_duration_seconds",
          "Duration for running a plugin at a specific extension point.",
          {"plugin", "extension_point", "status"}, exponential(0.00001, 1.5, 20))),
      evaluations_(registry_.counter(
          "scheduler_plugin_evaluation_total",
          "Number of attempts to schedule pods by each plugin and the extension point (available "
          "only in PreFilter, Filter, PreScore, and Score).",
          {"plugin", "extension_point", "profile"})) {}

void SchedulerMetrics::attempt(std::string_view result, std::string_view profile, Duration took) {
  attempts_.with({result, profile}).add();
  attempt_duration_.with({result, profile}).observe(seconds(took));
}

void SchedulerMetrics::extension_point(std::string_view point, std::string_view status,
                                       std::string_view profile, Duration took) {
  extension_points_.with({point, status, profile}).observe(seconds(took));
}

void SchedulerMetrics::scheduled(int attempts, Duration since_first) {
  attempts_of_pod_.observe(attempts);
  std::string label =
      attempts > kMostAttempts ? std::to_string(kMostAttempts) + "+" : std::to_string(attempts);
  sli_duration_.with({label}).observe(seconds(since_first));
}

void SchedulerMetrics::preempted(size_t victims) {
  preemptions_.add();
  if (victims > 0) victims_.observe(static_cast<double>(victims));
}

void SchedulerMetrics::set_pending(const Pending& pending) {
  auto set = [&](std::string_view queue, size_t pods) {
    pending_.with({queue}).set(static_cast<double>(pods));
  };
  set("active", pending.active);
  set("backoff", pending.backing_off);
  set("unschedulable", pending.unschedulable);
  set("gated", pending.gated);
}

void SchedulerMetrics::set_incoming(
    const std::map<std::pair<std::string, std::string>, int64_t>& incoming) {
  for (const auto& [where, pods] : incoming) {
    Counter& counter = incoming_.with({where.first, where.second});
    counter.add(static_cast<double>(pods) - counter.value());
  }
}

void SchedulerMetrics::plugin_asked(std::string_view plugin, std::string_view point,
                                    std::string_view profile, int64_t times) {
  Counter*& counter = asked_[{plugin.data(), point.data(), std::string(profile)}];
  if (counter == nullptr) counter = &evaluations_.with({plugin, point, profile});
  counter->add(static_cast<double>(times));
}

void SchedulerMetrics::set_cache(size_t nodes, size_t pods, size_t assumed) {
  cache_size_.with({"nodes"}).set(static_cast<double>(nodes));
  cache_size_.with({"pods"}).set(static_cast<double>(pods));
  cache_size_.with({"assumed_pods"}).set(static_cast<double>(assumed));
}

void SchedulerMetrics::rejected(const std::string& uid, std::string_view profile,
                                const std::vector<std::string_view>& plugins) {
  rejections_[uid] = {std::string(profile), {plugins.begin(), plugins.end()}};
}

// Series that have been there stay, with zero.
void SchedulerMetrics::count_rejections() {
  std::map<std::pair<std::string, std::string>, double> counts;
  for (const auto& [uid, rejection] : rejections_) {
    for (const std::string& plugin : rejection.plugins) ++counts[{plugin, rejection.profile}];
  }
  unschedulable_.each([](Gauge& gauge) { gauge.set(0); });
  for (const auto& [labels, pods] : counts) {
    unschedulable_.with({labels.first, labels.second}).set(pods);
  }
}

std::string SchedulerMetrics::text() {
  count_rejections();
  return registry_.text();
}

}  // namespace tiphys::scheduler
