// Rolling updates of a DaemonSet: which pods of old revisions go, and which nodes get a second pod.
#include "controllers/daemon_plan.h"
#include "object/int_or_string.h"

namespace tiphys::controllers {

namespace {

// What the API server would not have accepted counts as zero.
int32_t count_of(const Value& limit, int32_t nodes) {
  return scaled_value(limit, nodes, true).value_or(0);
}

}  // namespace

bool DaemonPlanner::allows_surge() const {
  apps_v1::DaemonSetUpdateStrategy strategy = set_.spec().update_strategy();
  return strategy.type() == "RollingUpdate" &&
         count_of(strategy.rolling_update().max_surge(), 1) > 0;
}

DaemonPlanner::Generations DaemonPlanner::generations(const NodeState& node) const {
  Generations found;
  for (const ObjectPtr& pod : node.pods) {
    if (metadata(*pod).has_deletion_timestamp()) continue;
    ObjectPtr& place = updated(*pod) ? found.updated : found.old;
    if (place) found.crowded = true;
    place = pod;
  }
  return found;
}

void DaemonPlanner::roll() {
  int32_t desired = 0;
  for (auto& [name, node] : nodes_) desired += node.fit.should_run ? 1 : 0;
  apps_v1::RollingUpdateDaemonSet limits = set_.spec().update_strategy().rolling_update();
  int32_t max_surge = count_of(limits.max_surge(), desired);
  int32_t max_unavailable = count_of(limits.max_unavailable(), desired);
  if (max_surge > 0) {
    roll_with_surge(max_surge, desired);
  } else {
    roll_in_place(desired > 0 ? std::max(max_unavailable, 1) : max_unavailable);
  }
}

// Old pods that are not available go at once, the others as long as enough nodes stay available.
void DaemonPlanner::roll_in_place(int32_t max_unavailable) {
  int32_t unavailable = 0;
  std::vector<ObjectPtr> candidates;
  for (auto& [name, node] : nodes_) {
    if (node.pods.empty() && !node.fit.should_run) continue;
    Generations pods = generations(node);
    bool alone = (pods.updated == nullptr) != (pods.old == nullptr);
    if (pods.crowded || !alone) {
      ++unavailable;
    } else if (pods.updated) {
      unavailable += available(pods.updated) ? 0 : 1;
    } else if (available(pods.old)) {
      candidates.push_back(pods.old);
    } else {
      ++unavailable;
      doomed_.push_back({pods.old, {}});
    }
  }
  int32_t room = std::max(max_unavailable - unavailable, 0);
  for (const ObjectPtr& pod : candidates) {
    if (room-- > 0) doomed_.push_back({pod, {}});
  }
}

// Updated pods come beside old ones and replace them when available. Where the set should no longer
// run, an old pod goes once there are more available pods than nodes that should have one.
void DaemonPlanner::roll_with_surge(int32_t max_surge, int32_t desired) {
  int32_t surging = 0;
  int32_t available_pods = 0;
  std::vector<std::string_view> candidates;
  std::vector<ObjectPtr> sunset;
  for (auto& [name, node] : nodes_) {
    if (!node.object) continue;
    Generations pods = generations(node);
    if (pods.crowded) {
      ++surging;
      continue;
    }
    const ObjectPtr& serving = pods.old ? pods.old : pods.updated;
    if (serving && available(serving)) ++available_pods;
    if (!pods.old) continue;
    if (pods.updated) {
      if (available(pods.updated)) {
        doomed_.push_back({pods.old, {}});
      } else {
        ++surging;
      }
    } else if (!available(pods.old)) {
      if (node.fit.should_run) {
        needed_.push_back(name);
      } else {
        doomed_.push_back({pods.old, {}});
      }
    } else if (node.fit.should_run) {
      candidates.push_back(name);
    } else {
      sunset.push_back(pods.old);
    }
  }
  int32_t room = max_surge - surging;
  for (std::string_view name : candidates) {
    if (room-- > 0) needed_.push_back(name);
  }
  int32_t spare = available_pods - desired;
  for (const ObjectPtr& pod : sunset) {
    if (spare-- > 0) doomed_.push_back({pod, {}});
  }
}

}  // namespace tiphys::controllers
