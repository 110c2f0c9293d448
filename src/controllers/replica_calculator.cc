#include "controllers/replica_calculator.h"

#include <cmath>
#include <limits>
#include <set>

#include "kinds/metadata.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

__extension__ using Wide = __int128;
using PodNames = std::set<std::string, std::less<>>;

template <class Number>
Number saturated(Wide value) {
  constexpr Wide kLeast = std::numeric_limits<Number>::min();
  constexpr Wide kMost = std::numeric_limits<Number>::max();
  return static_cast<Number>(std::clamp(value, kLeast, kMost));
}

// NaN is 0.
template <class Number>
Number rounded_up(double value) {
  if (std::isnan(value)) return 0;
  constexpr auto kMost = static_cast<double>(std::numeric_limits<Number>::max());
  if (value >= kMost) return std::numeric_limits<Number>::max();
  if (value <= -kMost) return std::numeric_limits<Number>::min();
  return static_cast<Number>(std::ceil(value));
}

double ratio_of(int64_t usage, int64_t target) {
  return static_cast<double>(usage) / static_cast<double>(target);
}

MicroTime after(MicroTime time, Duration delay) {
  return time + std::chrono::duration_cast<std::chrono::microseconds>(delay).count();
}

struct PodGroups {
  int32_t ready = 0;
  PodNames unready;
  PodNames missing;
  PodNames ignored;
};

// A CPU sample of a pod that still starts says nothing about its load.
bool is_sample_early(const ScaledPods& scaled, const core_v1::PodStatus& status,
                     const PodMetric& metric) {
  core_v1::PodCondition ready = kinds::find_condition(status, "Ready");
  if (ready.type().empty() || !status.has_start_time()) return true;
  bool unready = ready.status() == "False";
  MicroTime turned = ready.last_transition_time();
  if (after(status.start_time(), scaled.cpu_initialization_period) > scaled.now) {
    return unready || metric.timestamp < after(turned, metric.window);
  }
  return unready && after(status.start_time(), scaled.initial_readiness_delay) > turned;
}

PodGroups group_pods(const ScaledPods& scaled, const PodMetrics& metrics,
                     std::string_view resource) {
  PodGroups groups;
  for (const ObjectPtr& object : scaled.pods) {
    core_v1::Pod pod(*object);
    std::string name(pod.metadata().name());
    auto metric = metrics.find(name);
    if (pod.metadata().has_deletion_timestamp() || pod.status().phase() == "Failed") {
      groups.ignored.insert(name);
    } else if (pod.status().phase() == "Pending") {
      groups.unready.insert(name);
    } else if (metric == metrics.end()) {
      groups.missing.insert(name);
    } else if (resource == "cpu" && is_sample_early(scaled, pod.status(), metric->second)) {
      groups.unready.insert(name);
    } else {
      ++groups.ready;
    }
  }
  return groups;
}

// Of running pods with metrics that count. Error: nothing is left.
Result<PodGroups> checked_groups(const ScaledPods& scaled, PodMetrics& metrics,
                                 std::string_view resource) {
  if (scaled.pods.empty()) {
    return ApiStatus::internal("no pods returned by selector while calculating replica count");
  }
  PodGroups groups = group_pods(scaled, metrics, resource);
  std::erase_if(metrics, [&groups](const auto& entry) {
    return groups.ignored.contains(entry.first) || groups.unready.contains(entry.first);
  });
  if (metrics.empty()) {
    return ApiStatus::internal("did not receive metrics for targeted pods (pods might be unready)");
  }
  return groups;
}

ApiStatus missing_request(std::string_view resource, std::string_view container,
                          std::string_view pod) {
  return ApiStatus::internal("missing request for " + std::string(resource) + " in container " +
                             std::string(container) + " of Pod " + std::string(pod));
}

std::vector<core_v1::Container> running_containers(const core_v1::PodSpec& spec) {
  std::vector<core_v1::Container> containers;
  for (core_v1::Container one : spec.containers()) containers.push_back(one);
  for (core_v1::Container one : spec.init_containers()) {
    if (kinds::is_sidecar(one)) containers.push_back(one);
  }
  return containers;
}

Result<int64_t> container_request(const core_v1::Container& container, std::string_view resource,
                                  std::string_view pod) {
  auto requests = container.resources().requests();
  if (!requests.contains(resource)) return missing_request(resource, container.name(), pod);
  return Quantity::of(requests.find(resource)).milli_value();
}

Result<int64_t> named_container_request(const core_v1::Pod& pod, std::string_view resource,
                                        std::string_view container) {
  for (const core_v1::Container& one : running_containers(pod.spec())) {
    if (one.name() == container) return container_request(one, resource, pod.metadata().name());
  }
  return ApiStatus::internal("container " + std::string(container) + " not found in Pod " +
                             std::string(pod.metadata().name()));
}

// A pod that requests anything as a whole counts as a whole.
Result<int64_t> pod_request(const core_v1::Pod& pod, std::string_view resource) {
  std::string_view name = pod.metadata().name();
  if (!pod.spec().resources().requests().empty()) {
    kinds::ResourceSums sums = kinds::pod_requests(pod.spec());
    auto found = sums.find(resource);
    if (found != sums.end()) return found->second.milli_value();
    return ApiStatus::internal("missing pod-level request for " + std::string(resource) +
                               " in Pod " + std::string(name));
  }
  Wide sum = 0;
  for (const core_v1::Container& one : running_containers(pod.spec())) {
    TIPHYS_TRY(int64_t, request, container_request(one, resource, name));
    sum += request;
  }
  return saturated<int64_t>(sum);
}

using Requests = std::map<std::string, int64_t, std::less<>>;

Result<Requests> requests_of(const std::vector<ObjectPtr>& pods, std::string_view resource,
                             std::string_view container) {
  Requests requests;
  for (const ObjectPtr& object : pods) {
    core_v1::Pod pod(*object);
    TIPHYS_TRY(int64_t, request,
               container.empty() ? pod_request(pod, resource)
                                 : named_container_request(pod, resource, container));
    requests[std::string(pod.metadata().name())] = request;
  }
  return requests;
}

// What the pods use together, over what they should.
struct Usage {
  double ratio = 0;
  int64_t average = 0;
  int32_t utilization = 0;
};

Result<Usage> utilization_of(const PodMetrics& metrics, const Requests& requests,
                             int32_t target_percent) {
  Wide used = 0;
  Wide requested = 0;
  int64_t count = 0;
  for (const auto& [name, metric] : metrics) {
    auto request = requests.find(name);
    if (request == requests.end()) continue;
    used += metric.value;
    requested += request->second;
    ++count;
  }
  if (requested == 0) return ApiStatus::internal("no metrics returned matched known pods");
  Usage usage;
  usage.utilization = saturated<int32_t>(used * 100 / requested);
  usage.ratio = ratio_of(usage.utilization, target_percent);
  usage.average = saturated<int64_t>(used / count);
  return usage;
}

// Requires: metrics are not empty.
Usage average_of(const PodMetrics& metrics, int64_t target) {
  Wide sum = 0;
  for (const auto& [name, metric] : metrics) sum += metric.value;
  Usage usage;
  usage.average = saturated<int64_t>(sum / static_cast<Wide>(metrics.size()));
  usage.ratio = ratio_of(usage.average, target);
  return usage;
}

// Pods without a sample neither start nor undo a change: what is missing counts as nothing when
// there is to be more, as `full` (by pod) when there is to be less; what is not ready counts as
// nothing when there is to be more. Measure: Result<Usage>(const PodMetrics&).
template <class Full, class Measure>
Result<Proposal> proposal_of(const ScaledPods& scaled, PodMetrics metrics, const PodGroups& groups,
                             Full full, Measure measure) {
  TIPHYS_TRY(Usage, usage, measure(metrics));
  Proposal stay{scaled.replicas, usage.average, usage.utilization};
  bool up_with_unready = !groups.unready.empty() && usage.ratio > 1.0;
  if (!up_with_unready && groups.missing.empty()) {
    if (scaled.tolerances.allow(usage.ratio)) return stay;
    Proposal change = stay;
    change.replicas = rounded_up<int32_t>(usage.ratio * groups.ready);
    return change;
  }
  for (const std::string& name : groups.missing) {
    if (usage.ratio < 1.0) metrics[name].value = full(name);
    if (usage.ratio > 1.0) metrics[name].value = 0;
  }
  if (up_with_unready) {
    for (const std::string& name : groups.unready) metrics[name].value = 0;
  }
  TIPHYS_TRY(Usage, careful, measure(metrics));
  bool turned =
      (usage.ratio < 1.0 && careful.ratio > 1.0) || (usage.ratio > 1.0 && careful.ratio < 1.0);
  if (turned || scaled.tolerances.allow(careful.ratio)) return stay;
  auto replicas = rounded_up<int32_t>(careful.ratio * static_cast<double>(metrics.size()));
  bool backwards = (careful.ratio < 1.0 && replicas > scaled.replicas) ||
                   (careful.ratio > 1.0 && replicas < scaled.replicas);
  return Proposal{backwards ? scaled.replicas : replicas, usage.average, usage.utilization};
}

}  // namespace

Result<Proposal> utilization_proposal(const ScaledPods& scaled, PodMetrics metrics,
                                      int32_t target_percent, std::string_view resource,
                                      std::string_view container) {
  TIPHYS_TRY(PodGroups, groups, checked_groups(scaled, metrics, resource));
  TIPHYS_TRY(Requests, requests, requests_of(scaled.pods, resource, container));
  // A target above what is requested is met by pods that use that much.
  int64_t percent = std::max(100, target_percent);
  auto full = [&requests, percent](const std::string& name) {
    return saturated<int64_t>(static_cast<Wide>(requests[name]) * percent / 100);
  };
  return proposal_of(scaled, std::move(metrics), groups, full,
                     [&requests, target_percent](const PodMetrics& now) {
                       return utilization_of(now, requests, target_percent);
                     });
}

Result<Proposal> average_proposal(const ScaledPods& scaled, PodMetrics metrics, int64_t target,
                                  std::string_view resource) {
  TIPHYS_TRY(PodGroups, groups, checked_groups(scaled, metrics, resource));
  return proposal_of(
      scaled, std::move(metrics), groups, [target](const std::string&) { return target; },
      [target](const PodMetrics& now) { return Result<Usage>(average_of(now, target)); });
}

Result<Proposal> value_proposal(const ScaledPods& scaled, int64_t usage, int64_t target) {
  double ratio = ratio_of(usage, target);
  if (scaled.replicas == 0) return Proposal{.replicas = rounded_up<int32_t>(ratio), .usage = usage};
  if (scaled.tolerances.allow(ratio)) return Proposal{.replicas = scaled.replicas, .usage = usage};
  if (scaled.pods.empty()) {
    return ApiStatus::internal(
        "unable to calculate ready pods: no pods returned by selector while calculating replica "
        "count");
  }
  auto ready = std::ranges::count_if(scaled.pods, [](const ObjectPtr& object) {
    core_v1::Pod pod(*object);
    return pod.status().phase() == "Running" && kinds::is_ready(pod);
  });
  return Proposal{.replicas = rounded_up<int32_t>(ratio * static_cast<double>(ready)),
                  .usage = usage};
}

Proposal per_pod_proposal(int32_t replicas, int64_t usage, int64_t target, Tolerances tolerances) {
  double ratio = static_cast<double>(usage) / (static_cast<double>(target) * replicas);
  Proposal proposal{.replicas = replicas};
  if (!tolerances.allow(ratio)) proposal.replicas = rounded_up<int32_t>(ratio_of(usage, target));
  proposal.usage = usage == INT64_MAX ? usage : rounded_up<int64_t>(ratio_of(usage, replicas));
  return proposal;
}

int64_t saturated_sum(const std::vector<int64_t>& values) {
  Wide sum = 0;
  for (int64_t value : values) sum += value;
  return saturated<int64_t>(sum);
}

}  // namespace tiphys::controllers
