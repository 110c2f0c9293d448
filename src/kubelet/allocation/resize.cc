#include "kubelet/allocation/resize.h"

#include <limits>

#include "base/strings.h"
#include "kinds/pods.h"
#include "kubelet/pods/static_pod.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

// Of a limit: none is more than any.
int64_t height(int64_t limit) { return limit <= 0 ? std::numeric_limits<int64_t>::max() : limit; }
int64_t written(int64_t limit) { return limit <= 0 ? -1 : limit; }

using TextMap = std::map<std::string, std::string, std::less<>>;

Quantity amount(const TextMap& texts, std::string_view name) {
  auto found = texts.find(name);
  return found == texts.end() ? Quantity() : Quantity::of(found->second);
}

bool changes(const ContainerResize& one, std::string_view name) {
  return !(amount(one.from.requests, name) == amount(one.to.requests, name)) ||
         !(amount(one.from.limits, name) == amount(one.to.limits, name));
}

bool restarts_for(core_v1::Container container, std::string_view resource) {
  for (core_v1::ContainerResizePolicy policy : container.resize_policy()) {
    if (policy.resource_name() == resource) return policy.restart_policy() == "RestartContainer";
  }
  return false;
}

// What the container has, wants, and which of it differs.
ContainerResize compare(core_v1::Container c, const ContainerRecord& record,
                        const Allocation& actuated) {
  ContainerResize one{record.id, record.name, {}, amounts_of(c.resources())};
  auto had = actuated.find(c.name());
  one.known = had != actuated.end();
  one.from = one.known ? had->second : one.to;
  one.cpu = !one.known || changes(one, "cpu");
  one.memory = !one.known || changes(one, "memory");
  return one;
}

bool restarts(core_v1::Container c, const ContainerResize& one) {
  return one.known &&
         ((one.cpu && restarts_for(c, "cpu")) || (one.memory && restarts_for(c, "memory")));
}

void plan_container(core_v1::Container c, const PodRuntime& runtime, const Allocation& actuated,
                    ResizePlan& out) {
  const ContainerRecord* running = runtime.newest(c.name());
  if (!running || running->state != ContainerState::kRunning) return;
  ContainerResize one = compare(c, *running, actuated);
  if (!one.cpu && !one.memory) return;
  bool restart = restarts(c, one);
  (restart ? out.restarts : out.updates).push_back(std::move(one));
}

std::string below_usage(const std::string& what, int64_t limit, int64_t used) {
  return "attempting to set " + what + " memory limit (" + std::to_string(limit) +
         ") below current usage (" + std::to_string(used) + ")";
}

bool lowers(const ContainerResize& one) {
  if (!one.known) return false;
  return height(amount(one.to.limits, "memory").value()) <
         height(amount(one.from.limits, "memory").value());
}

std::string_view operation(const Quantity& before, const Quantity& after) {
  if (before == after) return "";
  if (before.is_zero()) return "add";
  if (after.is_zero()) return "remove";
  return before <= after ? "increase" : "decrease";
}

void add_requested(const Amounts& before, const Amounts& after, std::vector<RequestedResize>& out) {
  for (std::string_view resource : {"memory", "cpu"}) {
    for (std::string_view requirement : {"requests", "limits"}) {
      bool requests = requirement == "requests";
      std::string_view what =
          operation(amount(requests ? before.requests : before.limits, resource),
                    amount(requests ? after.requests : after.limits, resource));
      if (!what.empty()) out.push_back({resource, requirement, what});
    }
  }
}

}  // namespace

bool increases_requests(core_v1::Pod allocated, core_v1::Pod wanted) {
  kinds::ResourceSums had = kinds::pod_requests(allocated.spec());
  kinds::ResourceSums wants = kinds::pod_requests(wanted.spec());
  return !(wants["memory"] <= had["memory"]) || !(wants["cpu"] <= had["cpu"]);
}

bool goes_before(const WaitingResize& a, const WaitingResize& b) {
  if (a.increases != b.increases) return !a.increases;
  int32_t first = a.pod.spec().priority();
  int32_t second = b.pod.spec().priority();
  if (first != second) return first > second;
  bool guaranteed = kinds::qos_class(a.pod.spec()) == "Guaranteed";
  if (guaranteed != (kinds::qos_class(b.pod.spec()) == "Guaranteed")) return guaranteed;
  if ((a.since == 0) != (b.since == 0)) return b.since == 0;
  return a.since < b.since;
}

std::vector<RequestedResize> requested_resizes(core_v1::PodSpec before, core_v1::PodSpec after) {
  std::vector<RequestedResize> out;
  Allocation now = wanted_allocation(after);
  for (const auto& [name, amounts] : wanted_allocation(before)) {
    auto found = now.find(name);
    if (found != now.end()) add_requested(amounts, found->second, out);
  }
  return out;
}

std::optional<Why> judge_resize(const AdmissionInput& input, core_v1::Pod wanted) {
  if (is_static_pod(wanted)) {
    return Why{"Infeasible", "In-place resize of static-pods is not supported"};
  }
  kinds::ResourceSums requests = kinds::pod_requests(wanted.spec());
  auto allocatable = input.node.status().allocatable();
  for (const char* name : {"memory", "cpu"}) {
    Quantity capacity = Quantity::of(allocatable.find(name));
    if (requests[name] <= capacity) continue;
    bool cpu = std::string_view(name) == "cpu";
    auto number = [cpu](const Quantity& q) {
      return std::to_string(cpu ? q.milli_value() : q.value());
    };
    return Why{"Infeasible", "Node didn't have enough capacity: " + std::string(name) +
                                 ", requested: " + number(requests[name]) +
                                 ", capacity: " + number(capacity)};
  }
  std::optional<Why> refusal = admit_pod(input, wanted);
  if (!refusal) return std::nullopt;
  return Why{"Deferred", refusal->message};
}

ResizePlan plan_resize(core_v1::Pod pod, const PodRuntime& runtime, const Allocation& actuated) {
  ResizePlan out;
  for (core_v1::Container c : pod.spec().init_containers()) {
    if (kinds::is_sidecar(c)) plan_container(c, runtime, actuated, out);
  }
  for (core_v1::Container c : pod.spec().containers()) plan_container(c, runtime, actuated, out);
  return out;
}

std::set<std::string> ended_for_resize(core_v1::Pod pod, const PodRuntime& runtime,
                                       const Allocation& actuated, MicroTime since) {
  std::set<std::string> out;
  for (core_v1::Container c : pod.spec().containers()) {
    const ContainerRecord* last = runtime.newest(c.name());
    bool ended = last && last->state == ContainerState::kExited && last->finished >= since;
    if (ended && restarts(c, compare(c, *last, actuated))) out.insert(last->id);
  }
  return out;
}

GroupChange memory_change(const os::CgroupLimits& now, const os::CgroupLimits& wanted) {
  GroupChange out;
  if (height(now.memory_bytes) == height(wanted.memory_bytes)) return out;
  bool raised = height(wanted.memory_bytes) > height(now.memory_bytes);
  (raised ? out.before : out.after).memory_bytes = written(wanted.memory_bytes);
  return out;
}

GroupChange cpu_change(const os::CgroupLimits& now, const os::CgroupLimits& wanted) {
  GroupChange out;
  out.before.cpu_period_us = out.after.cpu_period_us = wanted.cpu_period_us;
  if (height(now.cpu_quota_us) != height(wanted.cpu_quota_us)) {
    bool raised = height(wanted.cpu_quota_us) > height(now.cpu_quota_us);
    (raised ? out.before : out.after).cpu_quota_us = written(wanted.cpu_quota_us);
  }
  if (now.cpu_shares != wanted.cpu_shares) {
    (wanted.cpu_shares > now.cpu_shares ? out.before : out.after).cpu_shares = wanted.cpu_shares;
  }
  return out;
}

bool lowers_memory(const ResizePlan& plan, const os::CgroupLimits& now,
                   const os::CgroupLimits& wanted) {
  if (height(wanted.memory_bytes) < height(now.memory_bytes)) return true;
  for (const ContainerResize& one : plan.updates) {
    if (lowers(one)) return true;
  }
  return false;
}

std::string memory_problem(const ResizePlan& plan, const os::CgroupLimits& now,
                           const os::CgroupLimits& wanted, const MemoryUse& use) {
  std::vector<std::string> found;
  if (height(wanted.memory_bytes) < height(now.memory_bytes) &&
      wanted.memory_bytes < use.pod_bytes) {
    found.push_back(below_usage("pod", wanted.memory_bytes, use.pod_bytes));
  }
  for (const ContainerResize& one : plan.updates) {
    auto used = use.containers.find(one.id);
    if (!lowers(one) || used == use.containers.end()) continue;
    int64_t limit = amount(one.to.limits, "memory").value();
    if (limit >= used->second) continue;
    found.push_back(below_usage("container " + go_quote(one.name), limit, used->second));
  }
  if (found.empty()) return "";
  std::string all = found.size() == 1 ? found[0] : "[" + join(found, ", ") + "]";
  return "cannot decrease memory limits: " + all;
}

}  // namespace tiphys::kubelet
