#include "kubelet/pods/resources.h"

#include <algorithm>

#include "kinds/pods.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

struct Amounts {
  int64_t cpu_request = 0;  // thousandths
  int64_t cpu_limit = 0;    // 0: none
  int64_t memory_request = 0;
  int64_t memory_limit = 0;
};

Amounts amounts_of(core_v1::ResourceRequirements r) {
  Amounts out;
  out.cpu_limit = Quantity::of(r.limits().find("cpu")).milli_value();
  out.memory_limit = Quantity::of(r.limits().find("memory")).value();
  // A limit without a request is the request, too.
  out.cpu_request = r.requests().contains("cpu")
                        ? Quantity::of(r.requests().find("cpu")).milli_value()
                        : out.cpu_limit;
  out.memory_request = r.requests().contains("memory")
                           ? Quantity::of(r.requests().find("memory")).value()
                           : out.memory_limit;
  return out;
}

// Sums where no limit (0) of one means no limit of all.
struct PodSums {
  Amounts sum;
  bool cpu_limited = true;
  bool memory_limited = true;

  void add(const Amounts& a) {
    sum.cpu_request += a.cpu_request;
    sum.cpu_limit += a.cpu_limit;
    sum.memory_limit += a.memory_limit;
    cpu_limited = cpu_limited && a.cpu_limit > 0;
    memory_limited = memory_limited && a.memory_limit > 0;
  }
  void at_least(const Amounts& a) {
    sum.cpu_request = std::max(sum.cpu_request, a.cpu_request);
    sum.cpu_limit = std::max(sum.cpu_limit, a.cpu_limit);
    sum.memory_limit = std::max(sum.memory_limit, a.memory_limit);
    cpu_limited = cpu_limited && a.cpu_limit > 0;
    memory_limited = memory_limited && a.memory_limit > 0;
  }
};

}  // namespace

int64_t cpu_shares_of_milli(int64_t milli_cpu) {
  if (milli_cpu <= 0) return 2;
  milli_cpu = std::min<int64_t>(milli_cpu, 1'000'000'000);
  return std::clamp<int64_t>(milli_cpu * 1024 / 1000, 2, 262'144);
}

int64_t cpu_quota_of_milli(int64_t milli_cpu) {
  if (milli_cpu <= 0) return 0;
  milli_cpu = std::min<int64_t>(milli_cpu, 1'000'000'000);
  return std::max<int64_t>(milli_cpu * kCpuPeriodUs / 1000, 1000);
}

os::CgroupLimits container_limits(core_v1::Container container) {
  Amounts a = amounts_of(container.resources());
  os::CgroupLimits out;
  out.cpu_shares = cpu_shares_of_milli(a.cpu_request);
  out.cpu_quota_us = cpu_quota_of_milli(a.cpu_limit);
  out.cpu_period_us = kCpuPeriodUs;
  out.memory_bytes = a.memory_limit;
  return out;
}

os::CgroupLimits pod_limits(core_v1::PodSpec spec) {
  PodSums sums;
  for (core_v1::Container c : spec.containers()) sums.add(amounts_of(c.resources()));
  for (core_v1::Container c : spec.init_containers()) {
    if (kinds::is_sidecar(c)) sums.add(amounts_of(c.resources()));
  }
  for (core_v1::Container c : spec.init_containers()) {
    if (!kinds::is_sidecar(c)) sums.at_least(amounts_of(c.resources()));
  }
  os::CgroupLimits out;
  out.cpu_shares = cpu_shares_of_milli(sums.sum.cpu_request);
  if (sums.cpu_limited) out.cpu_quota_us = cpu_quota_of_milli(sums.sum.cpu_limit);
  out.cpu_period_us = kCpuPeriodUs;
  if (sums.memory_limited) out.memory_bytes = sums.sum.memory_limit;
  return out;
}

int64_t oom_score_adjustment(core_v1::PodSpec spec, core_v1::Container container,
                             int64_t memory_capacity) {
  std::string_view qos = kinds::qos_class(spec);
  if (qos == "Guaranteed") return -997;
  if (qos == "BestEffort" || memory_capacity <= 0) return 1000;
  double share = static_cast<double>(amounts_of(container.resources()).memory_request) /
                 static_cast<double>(memory_capacity);
  int64_t score = 1000 - static_cast<int64_t>(1000 * std::clamp(share, 0.0, 1.0));
  return std::clamp<int64_t>(score, 3, 999);
}

std::string pod_cgroup(const std::string& cgroup_root, core_v1::Pod pod) {
  std::string root = cgroup_root == "/" ? "" : cgroup_root;
  std::string out = root + "/kubepods";
  std::string_view qos = kinds::qos_class(pod.spec());
  if (qos == "Burstable") out += "/burstable";
  if (qos == "BestEffort") out += "/besteffort";
  return out + "/pod" + std::string(pod.metadata().uid());
}

}  // namespace tiphys::kubelet
