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

bool is_resize_infeasible(const core_v1::PodStatus& status) {
  for (core_v1::PodCondition condition : status.conditions()) {
    if (condition.type() == "PodResizePending") return condition.reason() == "Infeasible";
  }
  return false;
}

template <class List>
std::optional<core_v1::ContainerStatus> find_status(const List& list, std::string_view name) {
  for (core_v1::ContainerStatus status : list) {
    if (status.name() == name) return status;
  }
  return std::nullopt;
}

// A container's requests as they count now, and whether cpu and memory are among them.
struct ContainerRequests {
  Resources amounts;
  bool cpu = false;
  bool memory = false;

  void raise_to(const MapView<std::string_view>& requests) {
    amounts.raise_to(resources_from(requests));
    cpu = cpu || requests.contains("cpu");
    memory = memory || requests.contains("memory");
  }
};

// `resizable`: of a kind of container whose status counts.
ContainerRequests container_requests(const core_v1::Pod& pod, const core_v1::Container& container,
                                     bool resizable) {
  ContainerRequests made;
  core_v1::PodStatus status = pod.status();
  std::optional<core_v1::ContainerStatus> now;
  if (resizable) now = find_status(status.container_statuses(), container.name());
  if (resizable && !now) now = find_status(status.init_container_statuses(), container.name());
  bool resizes = now && now->has_resources();
  if (!resizes || !is_resize_infeasible(status)) {
    made.raise_to(container.resources().requests());
  }
  if (!resizes) return made;
  made.raise_to(now->resources().requests());
  made.raise_to(now->allocated_resources());
  return made;
}

// Sums up a pod's containers.
class RequestSum {
 public:
  RequestSum(const core_v1::Pod& pod, bool nonzero) : pod_(pod), nonzero_(nonzero) {
    MapView<std::string_view> pod_level = pod.spec().resources().requests();
    cpu_given_ = pod_level.contains("cpu");
    memory_given_ = pod_level.contains("memory");
  }

  Resources run() {
    core_v1::PodSpec spec = pod_.spec();
    for (core_v1::Container container : spec.containers()) total_.add(of(container, true));
    for (core_v1::Container container : spec.init_containers()) add_init(container);
    total_.raise_to(peak_);
    MapView<std::string_view> pod_level = spec.resources().requests();
    if (cpu_given_) total_.milli_cpu = milli_value(pod_level.find("cpu"));
    if (memory_given_) total_.memory = whole_value(pod_level.find("memory"));
    total_.add(resources_from(spec.overhead()));
    return std::move(total_);
  }

 private:
  Resources of(const core_v1::Container& container, bool resizable) const {
    ContainerRequests made = container_requests(pod_, container, resizable);
    if (nonzero_ && !cpu_given_ && !made.cpu) made.amounts.milli_cpu = kDefaultMilliCpu;
    if (nonzero_ && !memory_given_ && !made.memory) made.amounts.memory = kDefaultMemory;
    return std::move(made.amounts);
  }
  void add_init(const core_v1::Container& container) {
    bool sidecar = container.restart_policy() == "Always";
    Resources step = of(container, sidecar);
    if (sidecar) {
      total_.add(step);
      sidecars_.add(step);
      step = sidecars_;
    } else {
      step.add(sidecars_);
    }
    peak_.raise_to(step);
  }

  core_v1::Pod pod_;
  bool nonzero_;
  bool cpu_given_ = false, memory_given_ = false;
  Resources total_, sidecars_, peak_;
};

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

Resources pod_requests(const core_v1::Pod& pod) { return RequestSum(pod, false).run(); }
Resources pod_nonzero_requests(const core_v1::Pod& pod) { return RequestSum(pod, true).run(); }

}  // namespace tiphys::scheduler
