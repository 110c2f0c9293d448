#include "kubelet/resources/node_cgroups.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/pods/resources.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kPeriod = std::chrono::minutes(1);

bool enforces(const Options& options, std::string_view what) {
  return std::ranges::count(options.enforce_node_allocatable, what) > 0;
}

}  // namespace

void NodeCgroups::start() {
  if (node_.cgroups) gate_.spawn(run());
}

Task<void> NodeCgroups::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> NodeCgroups::run() {
  bool enforced = false;
  while (!stop_.stop_requested()) {
    if (!enforced) enforced = co_await enforce();
    co_await update_tiers();
    (void)co_await sleep_for(node_.loop, kPeriod, stop_.token());
  }
}

// False: try again. What runs already may use more than it is allowed from now on.
Task<bool> NodeCgroups::enforce() {
  const Options& options = node_.options;
  std::string kubepods = kubepods_cgroup(options.cgroup_root);
  bool done = co_await enforce_group({kubepods, kubepods_limits(keeper_.facts(), options)},
                                     "Updated Node Allocatable limit across pods",
                                     "Failed to update Node Allocatable Limits ");
  if (done && enforces(options, "system-reserved")) {
    done = co_await enforce_group(
        {options.system_reserved_cgroup, reserved_limits(options.system_reserved)},
        "Updated limits on system reserved cgroup " + options.system_reserved_cgroup,
        "Failed to enforce System Reserved Cgroup Limits on ");
  }
  if (done && enforces(options, "kube-reserved")) {
    done = co_await enforce_group(
        {options.kube_reserved_cgroup, reserved_limits(options.kube_reserved)},
        "Updated limits on kube reserved cgroup " + options.kube_reserved_cgroup,
        "Failed to enforce Kube Reserved Cgroup Limits on ");
  }
  co_return done;
}

Task<bool> NodeCgroups::enforce_group(GroupLimits group, std::string success, std::string failure) {
  os::Cgroups groups = *node_.cgroups;
  Result<void> done = co_await run_blocking(
      node_.loop, node_.pool, [groups, group] { return groups.create(group.path, group.limits); });
  if (done) {
    node_.events.record(*node_.reference, "Normal", "NodeAllocatableEnforced", success);
    co_return true;
  }
  node_.events.record(*node_.reference, "Warning", "FailedNodeAllocatableEnforcement",
                      failure + go_quote(group.path) + ": " + done.error().message());
  co_return false;
}

Task<void> NodeCgroups::update_tiers() {
  if (!node_.cgroups) co_return;
  std::vector<ObjectPtr> pods = pods_.active_pods();
  std::vector<core_v1::Pod> active;
  for (const ObjectPtr& pod : pods) active.emplace_back(*pod);
  std::vector<GroupLimits> wanted = tier_limits(node_.options.cgroup_root, active);
  if (wanted == written_) co_return;
  os::Cgroups groups = *node_.cgroups;
  Result<void> done = co_await run_blocking(node_.loop, node_.pool, [groups, wanted] {
    Result<void> result;
    for (const GroupLimits& one : wanted) {
      Result<void> written = groups.create(one.path, one.limits);
      if (!written) result = written;
    }
    return result;
  });
  if (done) {
    written_ = wanted;
  } else {
    LOG_WARNING("Failed to update QoS cgroup configuration", {"err", done.error()});
  }
}

}  // namespace tiphys::kubelet
