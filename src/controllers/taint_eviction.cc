#include "controllers/taint_eviction.h"

#include "controllers/resources.h"
#include "kinds/tolerations.h"

namespace tiphys::controllers {
namespace {

constexpr std::string_view kByNode = "node";

ObjectPtr with_disruption_target(const Object& object, MicroTime now) {
  Draft draft(object);
  core_v1::PodEdit pod(draft);
  auto conditions = pod.edit_status().edit_conditions();
  for (core_v1::PodCondition condition : conditions.view()) {
    if (condition.type() == "DisruptionTarget" && condition.status() == "True") return nullptr;
  }
  core_v1::PodConditionEdit condition = conditions.append();
  condition.set_type("DisruptionTarget");
  condition.set_status("True");
  condition.set_reason("DeletionByTaintManager");
  condition.set_message("Taint manager: deleting due to NoExecute taint");
  condition.set_last_transition_time(now);
  return draft.freeze();
}

}  // namespace

std::optional<MicroTime> eviction_time(core_v1::Pod pod, const ListView<core_v1::Taint>& taints,
                                       MicroTime now) {
  std::optional<MicroTime> earliest;
  for (core_v1::Taint taint : taints) {
    if (taint.effect() != "NoExecute") continue;
    MicroTime when = now;
    if (auto toleration = find_toleration(pod.spec().tolerations(), taint)) {
      if (!toleration->has_toleration_seconds()) continue;
      MicroTime since = taint.time_added() == 0 ? now : taint.time_added();
      when = since + toleration->toleration_seconds() * kMicrosPerSecond;
    }
    if (!earliest || when < *earliest) earliest = when;
  }
  return earliest;
}

TaintEviction::TaintEviction(Context context)
    : Controller(context, "taint-eviction-controller", 4),
      nodes_(watch(nodes())),
      pods_(watch(pods())) {
  pods_.add_index(std::string(kByNode), [](const Object& object) {
    return std::vector<std::string>{std::string(core_v1::Pod(object).spec().node_name())};
  });
  enqueue_changes(pods_);
  nodes_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!now) return;
    if (old &&
        equal(Value::of_node(ValueType::kList,
                             const_cast<Node*>(&core_v1::Node(*old).spec().taints().node())),
              Value::of_node(ValueType::kList,
                             const_cast<Node*>(&core_v1::Node(*now).spec().taints().node())))) {
      return;
    }
    for (const ObjectPtr& pod : pods_.by_index(kByNode, metadata(*now).name())) enqueue(*pod);
  });
}

Decision TaintEviction::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = pods_.get(ns, name);
  if (!object || metadata(*object).has_deletion_timestamp()) return decision;
  core_v1::Pod pod(*object);
  ObjectPtr node = nodes_.get("", pod.spec().node_name());
  if (!node) return decision;
  auto when = eviction_time(pod, core_v1::Node(*node).spec().taints(), now);
  if (!when) return decision;
  if (*when > now) {
    decision.look_again_in(std::chrono::microseconds(*when - now));
    return decision;
  }
  if (ObjectPtr marked = with_disruption_target(*object, now)) {
    decision.add(update_action(pods_.resource(), marked, "status"));
  }
  Action action = delete_action(pods_.resource(), object);
  action.batch = 1;
  action.name_in_message = false;
  action.success = Note{object, "Normal", "TaintManagerEviction",
                        "Marking for deletion Pod " + std::string(ns) + "/" + std::string(name)};
  decision.add(std::move(action));
  return decision;
}

}  // namespace tiphys::controllers
