#include "scheduler/resources.h"

#include <algorithm>
#include <limits>

#include "object/quantity.h"

namespace tiphys::scheduler {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

int64_t sum(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? kMax : out;
}

Resources container_requests(const core_v1::Container& container, bool nonzero, bool cpu_given,
                             bool memory_given) {
  MapView<std::string_view> requests = container.resources().requests();
  Resources made = resources_from(requests);
  if (!nonzero) return made;
  if (!cpu_given && !requests.contains("cpu")) made.milli_cpu = kDefaultMilliCpu;
  if (!memory_given && !requests.contains("memory")) made.memory = kDefaultMemory;
  return made;
}

Resources requests_of(const core_v1::PodSpec& spec, bool nonzero) {
  MapView<std::string_view> pod_level = spec.resources().requests();
  bool cpu_given = pod_level.contains("cpu"), memory_given = pod_level.contains("memory");
  Resources total, sidecars, peak;
  for (core_v1::Container container : spec.containers()) {
    total.add(container_requests(container, nonzero, cpu_given, memory_given));
  }
  for (core_v1::Container container : spec.init_containers()) {
    Resources step = container_requests(container, nonzero, cpu_given, memory_given);
    if (container.restart_policy() == "Always") {
      total.add(step);
      sidecars.add(step);
      step = sidecars;
    } else {
      step.add(sidecars);
    }
    peak.raise_to(step);
  }
  total.raise_to(peak);
  if (cpu_given) total.milli_cpu = milli_value(pod_level.find("cpu"));
  if (memory_given) total.memory = whole_value(pod_level.find("memory"));
  total.add(resources_from(spec.overhead()));
  return total;
}

}  // namespace

int64_t milli_value(std::string_view quantity) { return Quantity::of(quantity).milli_value(); }
int64_t whole_value(std::string_view quantity) { return Quantity::of(quantity).value(); }

int64_t Resources::other(std::string_view name) const {
  for (const auto& [key, amount] : others) {
    if (key == name) return amount;
  }
  return 0;
}

void Resources::set_other(std::string_view name, int64_t amount) {
  auto at = std::lower_bound(others.begin(), others.end(), name,
                             [](const auto& entry, std::string_view n) { return entry.first < n; });
  if (at != others.end() && at->first == name) {
    at->second = amount;
  } else {
    others.insert(at, {std::string(name), amount});
  }
}

void Resources::add(const Resources& more) {
  milli_cpu = sum(milli_cpu, more.milli_cpu);
  memory = sum(memory, more.memory);
  ephemeral_storage = sum(ephemeral_storage, more.ephemeral_storage);
  for (const auto& [name, amount] : more.others) set_other(name, sum(other(name), amount));
}

void Resources::subtract(const Resources& less) {
  milli_cpu -= less.milli_cpu;
  memory -= less.memory;
  ephemeral_storage -= less.ephemeral_storage;
  for (const auto& [name, amount] : less.others) set_other(name, other(name) - amount);
}

void Resources::raise_to(const Resources& floor) {
  milli_cpu = std::max(milli_cpu, floor.milli_cpu);
  memory = std::max(memory, floor.memory);
  ephemeral_storage = std::max(ephemeral_storage, floor.ephemeral_storage);
  for (const auto& [name, amount] : floor.others) set_other(name, std::max(other(name), amount));
}

Resources resources_from(const MapView<std::string_view>& quantities) {
  Resources made;
  for (auto [name, quantity] : quantities) {
    if (name == "cpu") {
      made.milli_cpu = milli_value(quantity);
    } else if (name == "memory") {
      made.memory = whole_value(quantity);
    } else if (name == "ephemeral-storage") {
      made.ephemeral_storage = whole_value(quantity);
    } else if (name == "pods") {
      made.pods = whole_value(quantity);
    } else {
      made.set_other(name, whole_value(quantity));
    }
  }
  return made;
}

Resources pod_requests(const core_v1::PodSpec& spec) { return requests_of(spec, false); }
Resources pod_nonzero_requests(const core_v1::PodSpec& spec) { return requests_of(spec, true); }

}  // namespace tiphys::scheduler
