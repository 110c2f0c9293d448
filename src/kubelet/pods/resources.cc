#include "kubelet/pods/resources.h"

#include <algorithm>

#include "base/strings.h"
#include "kinds/pods.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

constexpr int64_t kMinShares = 2;
constexpr int64_t kMaxShares = 262'144;
constexpr int64_t kMinQuotaUs = 1000;
constexpr int64_t kMaxMilliCpu = 1'000'000'000;
constexpr int64_t kGuaranteedScore = -997;
constexpr int64_t kBestEffortScore = 1000;
constexpr std::string_view kNodeCritical = "system-node-critical";
constexpr int64_t kSystemCriticalPriority = 2'000'000'000;

int64_t milli_of(const kinds::ResourceSums& sums, std::string_view name) {
  auto found = sums.find(name);
  return found == sums.end() ? 0 : found->second.milli_value();
}

int64_t value_of(const kinds::ResourceSums& sums, std::string_view name) {
  auto found = sums.find(name);
  return found == sums.end() ? 0 : found->second.value();
}

int64_t memory_request(core_v1::Container container) {
  core_v1::ResourceRequirements r = container.resources();
  // A limit without a request is the request, too.
  auto amounts = r.requests().contains("memory") ? r.requests() : r.limits();
  return Quantity::of(amounts.find("memory")).value();
}

// Whether nothing of the pod may take more of a resource than is said.
bool is_limited(core_v1::PodSpec spec, std::string_view name) {
  if (!Quantity::of(spec.resources().limits().find(name)).is_zero()) return true;
  for (const auto& list : {spec.containers(), spec.init_containers()}) {
    for (core_v1::Container c : list) {
      if (Quantity::of(c.resources().limits().find(name)).is_zero()) return false;
    }
  }
  return true;
}

// The pod's memory request that no container claimed, shared out evenly.
int64_t unclaimed_memory(core_v1::PodSpec spec) {
  if (!spec.resources().requests().contains("memory")) return 0;
  int64_t all = Quantity::of(spec.resources().requests().find("memory")).value();
  int64_t claimed = value_of(kinds::container_requests(spec), "memory");
  auto count = static_cast<int64_t>(spec.containers().size() + spec.init_containers().size());
  return std::max<int64_t>(all - claimed, 0) / std::max<int64_t>(count, 1);
}

bool is_sidecar_of(core_v1::PodSpec spec, std::string_view name) {
  for (core_v1::Container c : spec.init_containers()) {
    if (c.name() == name) return kinds::is_sidecar(c);
  }
  return false;
}

int64_t score_of(int64_t memory, int64_t capacity) {
  double share = static_cast<double>(memory) / static_cast<double>(capacity);
  return 1000 - static_cast<int64_t>(1000 * std::clamp(share, 0.0, 1.0));
}

}  // namespace

LimitRules limit_rules(const Options& options, bool cgroup_v2,
                       std::vector<int64_t> huge_page_sizes) {
  LimitRules out;
  out.cpu_cfs_quota = options.cpu_cfs_quota;
  out.cpu_period_us = options.cpu_cfs_quota_period / std::chrono::microseconds(1);
  out.pod_pids_limit = options.pod_pids_limit;
  out.group_oom_kill = cgroup_v2 && !options.single_process_oom_kill;
  out.huge_page_sizes = std::move(huge_page_sizes);
  return out;
}

int64_t cpu_shares_of_milli(int64_t milli_cpu) {
  if (milli_cpu <= 0) return kMinShares;
  milli_cpu = std::min(milli_cpu, kMaxMilliCpu);
  return std::clamp(milli_cpu * 1024 / 1000, kMinShares, kMaxShares);
}

int64_t cpu_quota_of_milli(int64_t milli_cpu, int64_t period_us) {
  if (milli_cpu <= 0) return 0;
  milli_cpu = std::min(milli_cpu, kMaxMilliCpu);
  return std::max(milli_cpu * period_us / 1000, kMinQuotaUs);
}

int64_t huge_page_bytes(std::string_view resource) {
  std::optional<std::string_view> size = cut_prefix(resource, "hugepages-");
  return size ? Quantity::of(*size).value() : 0;
}

os::CgroupLimits container_limits(core_v1::PodSpec spec, core_v1::Container container,
                                  const LimitRules& rules) {
  core_v1::ResourceRequirements own = container.resources();
  auto limit = [&](std::string_view name) {
    Quantity of_container = Quantity::of(own.limits().find(name));
    return of_container.is_zero() ? Quantity::of(spec.resources().limits().find(name))
                                  : of_container;
  };
  int64_t request = own.requests().contains("cpu")
                        ? Quantity::of(own.requests().find("cpu")).milli_value()
                        : limit("cpu").milli_value();
  os::CgroupLimits out;
  out.cpu_shares = cpu_shares_of_milli(request);
  out.cpu_period_us = rules.cpu_period_us;
  if (rules.cpu_cfs_quota) {
    out.cpu_quota_us = cpu_quota_of_milli(limit("cpu").milli_value(), out.cpu_period_us);
  }
  out.memory_bytes = limit("memory").value();
  for (auto [name, amount] : own.limits()) {
    int64_t page = huge_page_bytes(name);
    if (page > 0) out.huge_pages[os::huge_page_name(page)] = Quantity::of(amount).value();
  }
  return out;
}

os::CgroupLimits pod_limits(core_v1::PodSpec spec, const LimitRules& rules) {
  kinds::ResourceSums requests = kinds::pod_requests(spec);
  kinds::ResourceSums limits = kinds::pod_limits(spec);
  bool best_effort = kinds::qos_class(spec) == "BestEffort";
  os::CgroupLimits out;
  out.cpu_shares = best_effort ? kMinShares : cpu_shares_of_milli(milli_of(requests, "cpu"));
  out.cpu_period_us = rules.cpu_period_us;
  if (is_limited(spec, "cpu")) {
    int64_t quota = cpu_quota_of_milli(milli_of(limits, "cpu"), out.cpu_period_us);
    out.cpu_quota_us = rules.cpu_cfs_quota ? quota : -1;
  }
  if (is_limited(spec, "memory")) out.memory_bytes = value_of(limits, "memory");
  if (rules.pod_pids_limit > 0) out.pids = rules.pod_pids_limit;
  for (const auto& [name, amount] : requests) {
    int64_t page = huge_page_bytes(name);
    if (page > 0) out.huge_pages[os::huge_page_name(page)] = amount.value();
  }
  return out;
}

int64_t oom_score_adjustment(core_v1::PodSpec spec, core_v1::Container container,
                             int64_t memory_capacity) {
  bool critical =
      spec.priority_class_name() == kNodeCritical && spec.priority() >= kSystemCriticalPriority;
  std::string_view qos = kinds::qos_class(spec);
  if (critical || qos == "Guaranteed") return kGuaranteedScore;
  if (qos == "BestEffort" || memory_capacity <= 0) return kBestEffortScore;
  int64_t unclaimed = unclaimed_memory(spec);
  int64_t score = score_of(memory_request(container) + unclaimed, memory_capacity);
  if (is_sidecar_of(spec, container.name())) {
    // It is needed by the others: it doesn't go before them.
    int64_t least = INT64_MAX;
    for (core_v1::Container c : spec.containers()) least = std::min(least, memory_request(c));
    score = std::min(score, score_of(least, memory_capacity));
  }
  if (score < 1000 + kGuaranteedScore) return 1000 + kGuaranteedScore;
  return std::min(score, kBestEffortScore - 1);
}

std::string kubepods_cgroup(const std::string& cgroup_root) {
  return (cgroup_root == "/" ? "" : cgroup_root) + "/kubepods";
}

std::string pod_cgroup(const std::string& cgroup_root, core_v1::Pod pod) {
  std::string out = kubepods_cgroup(cgroup_root);
  std::string_view qos = kinds::qos_class(pod.spec());
  if (qos == "Burstable") out += "/burstable";
  if (qos == "BestEffort") out += "/besteffort";
  return out + "/pod" + std::string(pod.metadata().uid());
}

}  // namespace tiphys::kubelet
