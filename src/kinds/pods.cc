#include "kinds/pods.h"

namespace tiphys::kinds {
namespace {

using Amounts = MapView<std::string_view>;
using Pick = Amounts (*)(const core_v1::ResourceRequirements&);

Amounts requests_of(const core_v1::ResourceRequirements& r) { return r.requests(); }
Amounts limits_of(const core_v1::ResourceRequirements& r) { return r.limits(); }

void add(ResourceSums& sums, const Amounts& amounts) {
  for (auto [name, amount] : amounts) sums[std::string(name)] += Quantity::of(amount);
}

void raise_to(ResourceSums& sums, const ResourceSums& floor) {
  for (const auto& [name, amount] : floor) {
    Quantity& sum = sums[name];
    if (sum < amount) sum = amount;
  }
}

void add(ResourceSums& sums, const ResourceSums& amounts) {
  for (const auto& [name, amount] : amounts) sums[name] += amount;
}

// of(container): what one container takes, as Amounts or ResourceSums.
template <class Of>
ResourceSums sum_up(const core_v1::PodSpec& spec, Of of, const Amounts& pod_level) {
  ResourceSums running;
  for (core_v1::Container container : spec.containers()) add(running, of(container));
  ResourceSums sidecars;  // those started before the init container at hand
  ResourceSums steps;     // the most that any step of initialisation takes
  for (core_v1::Container container : spec.init_containers()) {
    ResourceSums step = sidecars;
    add(step, of(container));
    raise_to(steps, step);
    if (!is_sidecar(container)) continue;
    sidecars = std::move(step);
    add(running, of(container));
  }
  raise_to(running, steps);
  for (auto [name, amount] : pod_level) running[std::string(name)] = Quantity::of(amount);
  return running;
}

ResourceSums sum_up(const core_v1::PodSpec& spec, Pick pick, const Amounts& pod_level) {
  return sum_up(
      spec, [&](const core_v1::Container& container) { return pick(container.resources()); },
      pod_level);
}

ResourceSums sum_up(const core_v1::PodSpec& spec, Pick pick) {
  return sum_up(spec, pick, pick(spec.resources()));
}

ResourceSums sums_of(const Amounts& amounts) {
  ResourceSums sums;
  add(sums, amounts);
  return sums;
}

core_v1::ContainerStatus status_of(const core_v1::PodStatus& status, std::string_view name) {
  for (core_v1::ContainerStatus one : status.container_statuses()) {
    if (one.name() == name) return one;
  }
  for (core_v1::ContainerStatus one : status.init_container_statuses()) {
    if (one.name() == name) return one;
  }
  return core_v1::ContainerStatus();
}

// While a pod is resized its containers hold the larger of what they want and what they have; what
// can't be had isn't wanted (KEP-1287).
ResourceSums held_sum(const core_v1::Pod& pod, Pick pick, bool allocated) {
  core_v1::PodCondition pending = find_condition(pod.status(), "PodResizePending");
  bool infeasible = pending.reason() == "Infeasible";
  auto of = [&](const core_v1::Container& container) {
    core_v1::ContainerStatus status = status_of(pod.status(), container.name());
    if (!status.has_resources()) return sums_of(pick(container.resources()));
    ResourceSums sums;
    if (!infeasible) sums = sums_of(pick(container.resources()));
    raise_to(sums, sums_of(pick(status.resources())));
    if (allocated) raise_to(sums, sums_of(status.allocated_resources()));
    return sums;
  };
  return sum_up(pod.spec(), of, pick(pod.spec().resources()));
}

void add_overhead(ResourceSums& limits, const core_v1::PodSpec& spec) {
  for (auto [name, amount] : spec.overhead()) {
    auto found = limits.find(name);
    if (found != limits.end()) found->second += Quantity::of(amount);  // no limit stays no limit
  }
}

bool counts_for_qos(std::string_view resource) { return resource == "cpu" || resource == "memory"; }

// Of one container (or the pod level): whether it asks for anything, and whether it is guaranteed.
void judge(const core_v1::ResourceRequirements& resources, bool& asks, bool& guaranteed) {
  int limited = 0;
  for (auto [name, amount] : resources.limits()) {
    Quantity limit = Quantity::of(amount);
    if (!counts_for_qos(name) || limit.is_zero()) continue;
    asks = true;
    ++limited;
    if (resources.requests().contains(name)) {
      guaranteed &= Quantity::of(resources.requests().find(name)) == limit;
    }
  }
  for (auto [name, amount] : resources.requests()) {
    asks |= counts_for_qos(name) && !Quantity::of(amount).is_zero();
  }
  guaranteed &= limited == 2;
}

}  // namespace

core_v1::PodCondition find_condition(const core_v1::PodStatus& status, std::string_view type) {
  for (core_v1::PodCondition condition : status.conditions()) {
    if (condition.type() == type) return condition;
  }
  return core_v1::PodCondition();
}

bool is_ready(const core_v1::Pod& pod) {
  return find_condition(pod.status(), "Ready").status() == "True";
}

bool is_finished(const core_v1::Pod& pod) { return is_terminal(pod.status().phase()); }

bool is_terminal(std::string_view phase) { return phase == "Succeeded" || phase == "Failed"; }

bool is_sidecar(const core_v1::Container& init_container) {
  return init_container.restart_policy() == "Always";
}

std::string_view qos_class(const core_v1::PodSpec& spec) {
  bool asks = false;
  bool guaranteed = true;
  if (spec.has_resources()) {
    judge(spec.resources(), asks, guaranteed);
  } else {
    for (core_v1::Container c : spec.containers()) judge(c.resources(), asks, guaranteed);
    for (core_v1::Container c : spec.init_containers()) judge(c.resources(), asks, guaranteed);
  }
  if (!asks) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

ResourceSums pod_requests(const core_v1::PodSpec& spec) {
  ResourceSums sums = sum_up(spec, requests_of);
  add(sums, spec.overhead());
  return sums;
}

ResourceSums pod_limits(const core_v1::PodSpec& spec) {
  ResourceSums sums = sum_up(spec, limits_of);
  add_overhead(sums, spec);
  return sums;
}

ResourceSums container_requests(const core_v1::PodSpec& spec) {
  return sum_up(spec, requests_of, Amounts());
}

ResourceSums container_limits(const core_v1::PodSpec& spec) {
  return sum_up(spec, limits_of, Amounts());
}

ResourceSums held_requests(const core_v1::Pod& pod) {
  ResourceSums sums = held_sum(pod, requests_of, true);
  add(sums, pod.spec().overhead());
  return sums;
}

ResourceSums held_limits(const core_v1::Pod& pod) {
  ResourceSums sums = held_sum(pod, limits_of, false);
  add_overhead(sums, pod.spec());
  return sums;
}

}  // namespace tiphys::kinds
