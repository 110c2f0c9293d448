#include "controllers/taint_eviction.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "base/time_math.h"
#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "kinds/pods.h"
#include "kinds/tolerations.h"

namespace tiphys::controllers {
namespace {

constexpr const char* kReason = "TaintManagerEviction";

// Null: it stands there already.
ObjectPtr with_disruption_target(const Object& object, MicroTime now) {
  Draft draft(object);
  bool changed = put_disruption_target(core_v1::PodEdit(draft), "DeletionByTaintManager",
                                       "Taint manager: deleting due to NoExecute taint", now);
  return changed ? draft.freeze() : nullptr;
}

std::string identity(core_v1::Taint taint) {
  return std::string(taint.key()) + "=" + std::string(taint.value());
}

bool same_taints(const ListView<core_v1::Taint>& a, const ListView<core_v1::Taint>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](core_v1::Taint x, core_v1::Taint y) { return equal(x, y); });
}

MicroTime time_added(core_v1::Taint taint, const TaintTimes& seen, MicroTime now) {
  bool told = taint.time_added() != 0 && taint.time_added() <= now;
  if (told) return taint.time_added();
  auto found = seen.find(identity(taint));
  return found == seen.end() ? now : found->second;
}

// When the pod came to its node.
MicroTime arrival(const core_v1::Pod& pod) {
  core_v1::PodCondition scheduled = kinds::find_condition(pod.status(), "PodScheduled");
  MicroTime bound = scheduled.status() == "True" ? scheduled.last_transition_time() : 0;
  return std::max(bound, pod.metadata().creation_timestamp());
}

}  // namespace

std::optional<MicroTime> eviction_time(core_v1::Pod pod, const ListView<core_v1::Taint>& taints,
                                       MicroTime now, const TaintTimes& seen) {
  std::optional<MicroTime> earliest;
  for (core_v1::Taint taint : taints) {
    if (taint.effect() != "NoExecute") continue;
    MicroTime when = now;
    if (auto toleration = find_toleration(pod.spec().tolerations(), taint)) {
      if (!toleration->has_toleration_seconds()) continue;
      MicroTime start = std::max(time_added(taint, seen, now), arrival(pod));
      when = seconds_after(start, toleration->toleration_seconds());
    }
    if (!earliest || when < *earliest) earliest = when;
  }
  return earliest;
}

TaintEviction::TaintEviction(Context context)
    : Controller(context, "taint-eviction-controller", 4),
      nodes_(watch(nodes())),
      pods_(watch(pods())) {
  pods_.add_index(std::string(kByNode), node_of_pod);
  enqueue_changes(pods_);
  nodes_.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { node_changed(old, now); });
}

void TaintEviction::node_changed(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(name_of(now ? *now : *old));
  if (!now) {
    seen_.erase(name);
    return;
  }
  auto taints = core_v1::Node(*now).spec().taints();
  if (old && same_taints(taints, core_v1::Node(*old).spec().taints())) return;
  TaintTimes before = std::exchange(seen_[name], {});
  for (core_v1::Taint taint : taints) {
    auto known = before.find(identity(taint));
    seen_[name].emplace(identity(taint),
                        known == before.end() ? context_.loop.wall() : known->second);
  }
  for (const ObjectPtr& pod : pods_.by_index(kByNode, name)) enqueue(*pod);
}

Decision TaintEviction::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = pods_.get(ns, name);
  if (!object || is_deleting(*object)) {
    waiting_.erase(key);
    return decision;
  }
  core_v1::Pod pod(*object);
  ObjectPtr node = nodes_.get("", pod.spec().node_name());
  std::optional<MicroTime> when;
  if (node) {
    when = eviction_time(pod, core_v1::Node(*node).spec().taints(), now,
                         seen_[std::string(name_of(*node))]);
  }
  if (!when) {
    auto waited = waiting_.find(key);
    if (waited == waiting_.end()) return decision;
    if (waited->second == uid_of(*object)) {
      decision.add(note_action(object, "Normal", kReason, "Cancelling deletion of Pod " + key));
    }
    waiting_.erase(waited);
    return decision;
  }
  waiting_[key] = uid_of(*object);
  if (*when > now) {
    decision.look_again_in(time_between(now, *when));
    return decision;
  }
  evict(decision, object, *when, now);
  return decision;
}

void TaintEviction::evict(Decision& decision, const ObjectPtr& pod, MicroTime when,
                          MicroTime now) const {
  if (ObjectPtr marked = with_disruption_target(*pod, now)) {
    decision.add(update_action(pods_.resource(), marked, "status"));
  }
  Action action = delete_action(pods_.resource(), pod);
  action.batch = 1;
  action.name_in_message = false;
  action.tag = std::to_string(when);
  action.success =
      Note{pod, "Normal", kReason, "Marking for deletion Pod " + client::object_key(*pod)};
  decision.add(std::move(action));
}

void TaintEviction::outcome(const std::string& key, const Action& action, const ApiStatus* error) {
  std::optional<int64_t> when = parse_int(action.tag);
  if (error || !when) return;
  double late = static_cast<double>(context_.loop.wall() - *when) / kMicrosPerSecond;
  context_.metrics.taint_deletions.get().add();
  context_.metrics.taint_deletion_duration.get().observe(late);
}

}  // namespace tiphys::controllers
