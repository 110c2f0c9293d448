#include "controllers/deployment_math.h"

#include <cmath>

#include "base/strings.h"
#include "client/object_key.h"
#include "object/int_or_string.h"

namespace tiphys::controllers {

using client::metadata;

namespace {

template <class Fn>
int32_t sum(const ReplicaSetStates& sets, Fn fn) {
  int32_t total = 0;
  for (const ReplicaSetState* set : sets) total += fn(*set);
  return total;
}

bool older(const ReplicaSetState* a, const ReplicaSetState* b) {
  meta_v1::ObjectMeta left = metadata(*a->object);
  meta_v1::ObjectMeta right = metadata(*b->object);
  if (left.creation_timestamp() != right.creation_timestamp()) {
    return left.creation_timestamp() < right.creation_timestamp();
  }
  return left.name() < right.name();
}

int32_t fraction(const RolloutLimits& limits, int32_t status_replicas, const ReplicaSetState& set) {
  if (limits.replicas == 0) return -set.wanted;
  int64_t before = number_in(metadata(*set.object).annotations(), kMaxReplicas);
  if (before <= 0) before = status_replicas;
  if (before <= 0) return 0;
  double size = static_cast<double>(set.wanted) *
                static_cast<double>(limits.replicas + limits.max_surge) /
                static_cast<double>(before);
  return static_cast<int32_t>(std::round(size)) - set.wanted;
}

int32_t proportion(const RolloutLimits& limits, int32_t status_replicas, const ReplicaSetState& set,
                   int32_t to_add, int32_t added) {
  if (set.wanted == 0 || to_add == 0 || to_add == added) return 0;
  int32_t share = fraction(limits, status_replicas, set);
  int32_t allowed = to_add - added;
  return to_add > 0 ? std::min(share, allowed) : std::max(share, allowed);
}

int32_t drop_unavailable(const ReplicaSetStates& old, int32_t at_most) {
  int32_t dropped = 0;
  for (ReplicaSetState* set : old) {
    int32_t sick = set->wanted - set->status().available_replicas();
    if (dropped >= at_most || set->wanted == 0 || sick <= 0) continue;
    int32_t drop = std::min(at_most - dropped, sick);
    set->wanted -= drop;
    dropped += drop;
  }
  return dropped;
}

int32_t drop_available(const RolloutLimits& limits, const ReplicaSetStates& all,
                       const ReplicaSetStates& old) {
  int32_t left = sum_available(all) - (limits.replicas - limits.max_unavailable);
  int32_t dropped = 0;
  for (ReplicaSetState* set : old) {
    if (left <= 0) break;
    int32_t drop = std::min(left, set->wanted);
    set->wanted -= drop;
    left -= drop;
    dropped += drop;
  }
  return dropped;
}

}  // namespace

int64_t number_in(const MapView<std::string_view>& annotations, std::string_view key) {
  return parse_int(annotations.find(key)).value_or(0);
}

int64_t revision_of(const Object& replica_set) {
  return number_in(metadata(replica_set).annotations(), kRevision);
}

RolloutLimits rollout_limits(const apps_v1::Deployment& deployment) {
  apps_v1::DeploymentSpec spec = deployment.spec();
  RolloutLimits limits;
  limits.replicas = spec.has_replicas() ? spec.replicas() : 1;
  limits.rolling = spec.strategy().type() != "Recreate";
  if (!limits.rolling) return limits;
  apps_v1::RollingUpdateDeployment rolling = spec.strategy().rolling_update();
  // What the API server would not have accepted counts as zero, as upstream's controller takes it.
  limits.max_surge = scaled_value(rolling.max_surge(), limits.replicas, true).value_or(0);
  limits.max_unavailable =
      scaled_value(rolling.max_unavailable(), limits.replicas, false).value_or(0);
  if (limits.max_surge == 0 && limits.max_unavailable == 0) limits.max_unavailable = 1;
  limits.max_unavailable = std::min(limits.max_unavailable, limits.replicas);
  return limits;
}

int32_t sum_wanted(const ReplicaSetStates& sets) {
  return sum(sets, [](const ReplicaSetState& set) { return set.wanted; });
}
int32_t sum_actual(const ReplicaSetStates& sets) {
  return sum(sets, [](const ReplicaSetState& set) { return set.status().replicas(); });
}
int32_t sum_available(const ReplicaSetStates& sets) {
  return sum(sets, [](const ReplicaSetState& set) { return set.status().available_replicas(); });
}
int32_t sum_ready(const ReplicaSetStates& sets) {
  return sum(sets, [](const ReplicaSetState& set) { return set.status().ready_replicas(); });
}

void sort_by_age(ReplicaSetStates& sets) { std::ranges::sort(sets, older); }

int32_t new_set_replicas(const RolloutLimits& limits, int32_t current, int32_t of_all) {
  if (!limits.rolling) return limits.replicas;
  int32_t most = limits.replicas + limits.max_surge;
  if (of_all >= most) return current;
  return current + std::min(most - of_all, limits.replicas - current);
}

bool shrink_old_sets(const RolloutLimits& limits, const ReplicaSetStates& all,
                     const ReplicaSetStates& old, const ReplicaSetState* newest) {
  if (sum_wanted(old) == 0) return false;
  int32_t least_available = limits.replicas - limits.max_unavailable;
  int32_t newest_sick = newest ? newest->wanted - newest->status().available_replicas() : 0;
  int32_t at_most = sum_wanted(all) - least_available - newest_sick;
  if (at_most <= 0) return false;
  ReplicaSetStates by_age = old;
  sort_by_age(by_age);
  int32_t dropped = drop_unavailable(by_age, at_most);
  dropped += drop_available(limits, all, by_age);
  return dropped > 0;
}

void scale_proportionally(const RolloutLimits& limits, int32_t status_replicas,
                          ReplicaSetStates active) {
  int32_t allowed = limits.replicas > 0 ? limits.replicas + limits.max_surge : 0;
  int32_t to_add = allowed - sum_wanted(active);
  if (to_add == 0 || active.empty()) return;
  // Larger first; of equal ones the newer first when growing, the older first when shrinking.
  std::ranges::sort(active, [&](const ReplicaSetState* a, const ReplicaSetState* b) {
    if (a->wanted != b->wanted) return a->wanted > b->wanted;
    return to_add > 0 ? older(b, a) : older(a, b);
  });
  int32_t added = 0;
  std::vector<int32_t> sizes;
  for (const ReplicaSetState* set : active) {
    int32_t share = proportion(limits, status_replicas, *set, to_add, added);
    sizes.push_back(set->wanted + share);
    added += share;
  }
  sizes[0] = std::max(sizes[0] + to_add - added, 0);
  for (size_t i = 0; i < active.size(); ++i) active[i]->wanted = sizes[i];
}

}  // namespace tiphys::controllers
