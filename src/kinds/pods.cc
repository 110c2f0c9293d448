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

ResourceSums sum_up(const core_v1::PodSpec& spec, Pick pick) {
  ResourceSums running;
  for (core_v1::Container container : spec.containers()) add(running, pick(container.resources()));
  ResourceSums sidecars;  // those started before the init container at hand
  ResourceSums steps;     // the most that any step of initialisation takes
  for (core_v1::Container container : spec.init_containers()) {
    ResourceSums step = sidecars;
    add(step, pick(container.resources()));
    raise_to(steps, step);
    if (!is_sidecar(container)) continue;
    sidecars = std::move(step);
    add(running, pick(container.resources()));
  }
  raise_to(running, steps);
  for (auto [name, amount] : pick(spec.resources()))
    running[std::string(name)] = Quantity::of(amount);
  return running;
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

bool is_finished(const core_v1::Pod& pod) {
  std::string_view phase = pod.status().phase();
  return phase == "Succeeded" || phase == "Failed";
}

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
  for (auto [name, amount] : spec.overhead()) {
    auto found = sums.find(name);
    if (found != sums.end()) found->second += Quantity::of(amount);  // no limit stays no limit
  }
  return sums;
}

}  // namespace tiphys::kinds
