#include "controllers/pod_gc.h"

#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

constexpr const char* kRound = "round";

Action force_delete(const ObjectPtr& pod) {
  Action action = delete_action(pods(), pod);
  action.grace_seconds = 0;
  action.batch = 1;
  return action;
}

// A pod that is collected before it ended has failed, and says why.
ObjectPtr failed(const Object& object, MicroTime now) {
  Draft draft(object);
  core_v1::PodEdit pod(draft);
  pod.edit_status().set_phase("Failed");
  core_v1::PodConditionEdit condition = pod.edit_status().edit_conditions().append();
  condition.set_type("DisruptionTarget");
  condition.set_status("True");
  condition.set_reason("DeletionByPodGC");
  condition.set_message("PodGC: node no longer exists");
  condition.set_last_transition_time(now);
  return draft.freeze();
}

}  // namespace

PodGc::PodGc(Context context, Options options)
    : Controller(context, "pod-garbage-collector-controller", 1),
      options_(options),
      pods_(watch(pods())),
      nodes_(watch(nodes())) {}

void PodGc::ready() { enqueue(kRound); }

void PodGc::collect_orphans(Decision& decision, MicroTime now) {
  std::map<std::string, MonoTime, std::less<>> missing;
  for (const ObjectPtr& object : pods_.list()) {
    core_v1::Pod pod(*object);
    std::string_view node = pod.spec().node_name();
    if (node.empty() || nodes_.get("", node)) continue;
    auto known = missing_since_.find(node);
    MonoTime since = known == missing_since_.end() ? context_.loop.mono() : known->second;
    missing.emplace(node, since);
    if (context_.loop.mono() - since < options_.quarantine) continue;
    if (!kinds::is_finished(pod)) {
      decision.add(update_action(pods(), failed(*object, now), "status"));
    }
    decision.add(force_delete(object));
  }
  missing_since_ = std::move(missing);
}

void PodGc::collect_unscheduled(Decision& decision) const {
  for (const ObjectPtr& object : pods_.list()) {
    core_v1::Pod pod(*object);
    bool stuck = pod.metadata().has_deletion_timestamp() && pod.spec().node_name().empty();
    if (stuck) decision.add(force_delete(object));
  }
}

void PodGc::collect_finished(Decision& decision) const {
  if (options_.terminated_threshold == 0) return;
  std::vector<ObjectPtr> finished;
  for (const ObjectPtr& object : pods_.list()) {
    if (kinds::is_finished(core_v1::Pod(*object))) finished.push_back(object);
  }
  if (finished.size() <= options_.terminated_threshold) return;
  std::ranges::sort(finished, {}, [](const ObjectPtr& pod) {
    return std::pair(metadata(*pod).creation_timestamp(), metadata(*pod).name());
  });
  finished.resize(finished.size() - options_.terminated_threshold);
  for (const ObjectPtr& pod : finished) decision.add(force_delete(pod));
}

Decision PodGc::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  decision.look_again_in(options_.period);
  collect_finished(decision);
  collect_orphans(decision, now);
  collect_unscheduled(decision);
  return decision;
}

}  // namespace tiphys::controllers
