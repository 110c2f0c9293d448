#include "apiserver/resource_metrics/usage_store.h"

#include <algorithm>

#include "base/time_math.h"

namespace tiphys::apiserver {
namespace {

// A container younger than this spends its CPU on starting.
constexpr Duration kFreshContainerMin = std::chrono::seconds(10);
constexpr double kMaxNanoCores = 9e18;  // fits int64, whatever a kubelet tells

const UsagePoint* find_container(const UsageStore::Batch& batch, const std::string& node,
                                 const PodName& pod, const std::string& container) {
  auto points = batch.find(node);
  if (points == batch.end()) return nullptr;
  auto found = points->second.pods.find(pod);
  if (found == points->second.pods.end()) return nullptr;
  auto point = found->second.find(container);
  return point == found->second.end() ? nullptr : &point->second;
}

const UsagePoint* find_node(const UsageStore::Batch& batch, const std::string& name) {
  auto points = batch.find(name);
  return points == batch.end() || !points->second.node ? nullptr : &*points->second.node;
}

// The stored point that `now` is measured from: the last one, or while that is `now` itself, the
// one before it.
std::optional<UsagePoint> earlier(const UsagePoint& now, const UsagePoint* last,
                                  const UsagePoint* previous) {
  if (last && now.time > last->time) return *last;
  if (last && previous && previous->time < now.time) return *previous;
  return std::nullopt;
}

}  // namespace

std::optional<Usage> usage_between(const UsagePoint& previous, const UsagePoint& last) {
  if (last.started < previous.started || last.cpu_ns < previous.cpu_ns ||
      last.time <= previous.time) {
    return std::nullopt;
  }
  double micros = static_cast<double>(last.time - previous.time);
  double spent = static_cast<double>(last.cpu_ns - previous.cpu_ns);
  double nano_cores = std::min(spent / micros * kMicrosPerSecond, kMaxNanoCores);
  return Usage{.time = last.time,
               .window = time_between(previous.time, last.time),
               .nano_cores = static_cast<int64_t>(nano_cores),
               .memory_bytes = last.memory_bytes};
}

bool UsageStore::is_fresh(const UsagePoint& now) const {
  Duration age = time_between(now.started, now.time);
  return now.started > 0 && age >= kFreshContainerMin && age < resolution_;
}

std::optional<UsagePoint> UsageStore::previous_node(const std::string& name,
                                                    const UsagePoint& now) const {
  return earlier(now, find_node(last_, name), find_node(previous_, name));
}

std::optional<UsagePoint> UsageStore::previous_container(const std::string& node,
                                                         const PodName& pod,
                                                         const std::string& container,
                                                         const UsagePoint& now) const {
  if (is_fresh(now)) return UsagePoint{.started = now.started, .time = now.started};
  const UsagePoint* last = find_container(last_, node, pod, container);
  if (!last || now.started >= last->time) return std::nullopt;  // it was restarted since
  return earlier(now, last, find_container(previous_, node, pod, container));
}

void UsageStore::store(Batch batch) {
  Batch previous;
  for (const auto& [node, points] : batch) {
    NodePoints& before = previous[node];
    if (points.node) before.node = previous_node(node, *points.node);
    for (const auto& [pod, containers] : points.pods) {
      for (const auto& [container, point] : containers) {
        auto found = previous_container(node, pod, container, point);
        if (found) before.pods[pod].emplace(container, *found);
      }
    }
  }
  last_ = std::move(batch);
  previous_ = std::move(previous);
}

void UsageStore::clear() {
  last_.clear();
  previous_.clear();
}

std::optional<Usage> UsageStore::node(const std::string& name) const {
  const UsagePoint* last = find_node(last_, name);
  const UsagePoint* previous = find_node(previous_, name);
  if (!last || !previous) return std::nullopt;
  return usage_between(*previous, *last);
}

std::vector<ContainerUsage> UsageStore::pod(const std::string& node, const PodName& name) const {
  std::vector<ContainerUsage> out;
  auto points = last_.find(node);
  if (points == last_.end()) return out;
  auto containers = points->second.pods.find(name);
  if (containers == points->second.pods.end()) return out;
  for (const auto& [container, last] : containers->second) {
    const UsagePoint* previous = find_container(previous_, node, name, container);
    if (!previous) return {};
    std::optional<Usage> usage = usage_between(*previous, last);
    if (usage) out.push_back({container, *usage});
  }
  return out;
}

}  // namespace tiphys::apiserver
