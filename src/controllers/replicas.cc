#include "controllers/replicas.h"

#include "client/object_key.h"
#include "controllers/pod_control.h"
#include "controllers/resources.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

using client::metadata;

namespace {

void add_creations(const ReplicaWorld& world, int32_t count, Decision& decision) {
  ObjectPtr pod = pod_from_template(world.pod_template, *world.owner);
  SlowStart start;
  for (int32_t i = 0; i < count; ++i) {
    Action action = create_pod_action(pod, world.owner);
    action.batch = start.next();
    decision.add(std::move(action));
  }
}

std::vector<RankedPod> ranked(const ReplicaWorld& world, const std::vector<ObjectPtr>& active) {
  std::unordered_map<std::string_view, size_t> on_node;
  std::vector<ObjectPtr> related = world.related ? world.related() : active;
  for (const ObjectPtr& pod : related) {
    if (is_pod_active(core_v1::Pod(*pod))) ++on_node[core_v1::Pod(*pod).spec().node_name()];
  }
  std::vector<RankedPod> result;
  for (const ObjectPtr& pod : active) {
    result.push_back({pod, on_node[core_v1::Pod(*pod).spec().node_name()]});
  }
  return result;
}

void add_deletions(const ReplicaWorld& world, const std::vector<ObjectPtr>& active, int32_t count,
                   MicroTime now, Decision& decision) {
  std::vector<RankedPod> order = ranked(world, active);
  std::ranges::sort(
      order, [&](const RankedPod& a, const RankedPod& b) { return deleted_before(a, b, now); });
  for (int32_t i = 0; i < count; ++i) {
    decision.add(delete_pod_action(order[static_cast<size_t>(i)].object, world.owner));
  }
}

bool has_template_labels(const core_v1::Pod& pod, const core_v1::PodTemplateSpec& pod_template) {
  for (auto [key, value] : pod_template.metadata().labels()) {
    if (pod.metadata().labels().find(key) != value) return false;
  }
  return true;
}

void count_pod(const ReplicaWorld& world, const core_v1::Pod& pod, MicroTime now,
               ReplicaCounts& counts) {
  ++counts.replicas;
  if (has_template_labels(pod, world.pod_template)) ++counts.fully_labeled;
  if (!kinds::is_ready(pod)) return;
  ++counts.ready;
  if (is_pod_available(pod, world.min_ready_seconds, now)) ++counts.available;
}

}  // namespace

ReplicaPlan plan_replicas(const ReplicaWorld& world, MicroTime now) {
  ReplicaPlan plan;
  std::vector<ObjectPtr> candidates;
  for (const ObjectPtr& object : world.candidates) {
    core_v1::Pod pod(*object);
    if (is_pod_active(pod)) {
      candidates.push_back(object);
    } else if (!kinds::is_finished(pod) &&
               is_controlled_by(*object, metadata(*world.owner).uid())) {
      ++plan.counts.terminating;
    }
  }
  Claim claimed = claim(*world.owner, world.selector, candidates);
  for (const ObjectPtr& pod : claimed.ours) count_pod(world, core_v1::Pod(*pod), now, plan.counts);
  look_when_available(claimed.ours, world.min_ready_seconds, now, plan.decision);
  add_claim_actions(claimed, *world.resource, world.owner, pods(), plan.decision);
  // Pods that change hands are counted once that is done.
  if (!claimed.adopt.empty() || !claimed.release.empty()) return plan;
  if (metadata(*world.owner).has_deletion_timestamp()) return plan;
  plan.missing = world.replicas - static_cast<int32_t>(claimed.ours.size());
  if (plan.missing > 0) {
    add_creations(world, std::min(plan.missing, kBurstReplicas), plan.decision);
  } else if (plan.missing < 0) {
    add_deletions(world, claimed.ours, std::min(-plan.missing, kBurstReplicas), now, plan.decision);
  }
  return plan;
}

}  // namespace tiphys::controllers
