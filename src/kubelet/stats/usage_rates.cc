#include "kubelet/stats/usage_rates.h"

namespace tiphys::kubelet {
namespace {

// A counter that went back belongs to a new group of the same name, and a clock that did to nobody.
std::optional<int64_t> rate(int64_t cpu_ns, MicroTime micros) {
  if (cpu_ns < 0 || micros <= 0) return std::nullopt;
  return static_cast<int64_t>(static_cast<double>(cpu_ns) * kMicrosPerSecond /
                              static_cast<double>(micros));
}

}  // namespace

void UsageRates::update(NodeUsage& usage) {
  Groups next;
  update("/", usage.sample, next);
  for (PodUsage& pod : usage.pods) {
    update(pod.cgroup, pod.sample, next);
    for (ContainerUsage& container : pod.containers) {
      update(container.cgroup, container.sample, next);
    }
  }
  groups_ = std::move(next);
}

void UsageRates::update(const std::string& cgroup, std::optional<UsageSample>& sample,
                        Groups& next) {
  if (!sample) return;
  Last now{sample->time, sample->used.cpu_ns, std::nullopt};
  auto last = groups_.find(cgroup);
  if (last != groups_.end()) {
    const Last& then = last->second;
    bool soon = now.time >= then.time && now.time - then.time < kMinWindow;
    if (soon && now.cpu_ns >= then.cpu_ns) {
      now = then;
    } else {
      now.nano_cores = rate(now.cpu_ns - then.cpu_ns, now.time - then.time);
    }
  }
  sample->nano_cores = now.nano_cores;
  next.emplace(cgroup, now);
}

}  // namespace tiphys::kubelet
