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

void plan_container(core_v1::Container c, const PodRuntime& runtime, const Allocation& actuated,
                    ResizePlan& out) {
  const ContainerRecord* running = runtime.newest(c.name());
  if (!running || running->state != ContainerState::kRunning) return;
  ContainerResize one{running->id, running->name, {}, amounts_of(c.resources())};
  auto had = actuated.find(c.name());
  if (had == actuated.end()) {
    one.from = one.to;
    one.known = false;
    one.cpu = one.memory = true;
    out.updates.push_back(std::move(one));
    return;
  }
  one.from = had->second;
  one.cpu = changes(one, "cpu");
  one.memory = changes(one, "memory");
  if (!one.cpu && !one.memory) return;
  bool restart = (one.cpu && restarts_for(c, "cpu")) || (one.memory && restarts_for(c, "memory"));
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

}  // namespace

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
