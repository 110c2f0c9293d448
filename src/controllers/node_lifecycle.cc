#include "controllers/node_lifecycle.h"

#include "controllers/resources.h"
#include "kinds/coordination_v1.h"

namespace tiphys::controllers {
namespace {

constexpr std::string_view kLeaseNamespace = "kube-node-lease";
constexpr std::string_view kReported[] = {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"};
constexpr std::string_view kByNode = "node";

struct OwnedTaint {
  std::string_view key;
  std::string_view effect;
};
constexpr OwnedTaint kOwned[] = {
    {"node.kubernetes.io/not-ready", "NoSchedule"},
    {"node.kubernetes.io/not-ready", "NoExecute"},
    {"node.kubernetes.io/unreachable", "NoSchedule"},
    {"node.kubernetes.io/unreachable", "NoExecute"},
    {"node.kubernetes.io/memory-pressure", "NoSchedule"},
    {"node.kubernetes.io/disk-pressure", "NoSchedule"},
    {"node.kubernetes.io/pid-pressure", "NoSchedule"},
    {"node.kubernetes.io/network-unavailable", "NoSchedule"},
    {"node.kubernetes.io/unschedulable", "NoSchedule"},
};

std::optional<core_v1::NodeCondition> find_condition(core_v1::Node node, std::string_view type) {
  for (core_v1::NodeCondition condition : node.status().conditions()) {
    if (condition.type() == type) return condition;
  }
  return std::nullopt;
}

std::string_view condition_status(core_v1::Node node, std::string_view type) {
  auto condition = find_condition(node, type);
  return condition ? condition->status() : "Unknown";
}

bool wants(core_v1::Node node, const OwnedTaint& taint) {
  std::string_view name = taint.key.substr(taint.key.find('/') + 1);
  auto ready = find_condition(node, "Ready");
  if (name == "not-ready") {
    // A node that has not reported yet takes no new pods.
    return ready ? ready->status() == "False" : taint.effect == "NoSchedule";
  }
  if (name == "unreachable") return ready && ready->status() == "Unknown";
  if (name == "memory-pressure") return condition_status(node, "MemoryPressure") == "True";
  if (name == "disk-pressure") return condition_status(node, "DiskPressure") == "True";
  if (name == "pid-pressure") return condition_status(node, "PIDPressure") == "True";
  if (name == "network-unavailable") {
    return condition_status(node, "NetworkUnavailable") == "True";
  }
  return node.spec().unschedulable();
}

// The Ready condition of a pod set to False because its node is gone silent; null if it isn't True.
ObjectPtr not_ready(const Object& object, MicroTime now) {
  Draft draft(object);
  core_v1::PodEdit pod(draft);
  auto conditions = pod.edit_status().edit_conditions();
  for (size_t i = 0; i < conditions.size(); ++i) {
    core_v1::PodCondition condition = conditions.view()[i];
    if (condition.type() != "Ready" || condition.status() != "True") continue;
    conditions[i].set_status("False");
    conditions[i].set_last_transition_time(now);
    return draft.freeze();
  }
  return nullptr;
}

Action status_update(const schema::Resource& of, ObjectPtr object) {
  return update_action(of, std::move(object), "status");
}

}  // namespace

bool has_live_conditions(core_v1::Node node) {
  for (std::string_view type : kReported) {
    auto condition = find_condition(node, type);
    if (!condition || condition->status() != "Unknown") return true;
  }
  return false;
}

void mark_unknown(core_v1::NodeEdit node, MicroTime now) {
  auto conditions = node.edit_status().edit_conditions();
  for (std::string_view type : kReported) {
    bool found = false;
    for (size_t i = 0; i < conditions.size(); ++i) {
      if (conditions.view()[i].type() != type) continue;
      found = true;
      if (conditions.view()[i].status() == "Unknown") continue;
      core_v1::NodeConditionEdit condition = conditions[i];
      condition.set_status("Unknown");
      condition.set_reason("NodeStatusUnknown");
      condition.set_message("Kubelet stopped posting node status.");
      condition.set_last_transition_time(now);
    }
    if (found) continue;
    core_v1::NodeConditionEdit condition = conditions.append();
    condition.set_type(type);
    condition.set_status("Unknown");
    condition.set_reason("NodeStatusNeverUpdated");
    condition.set_message("Kubelet never posted node status.");
    condition.set_last_transition_time(now);
  }
}

bool update_taints(core_v1::NodeEdit node, MicroTime now) {
  bool changed = false;
  auto taints = node.edit_spec().edit_taints();
  for (const OwnedTaint& owned : kOwned) {
    std::optional<size_t> at;
    for (size_t i = 0; i < taints.size(); ++i) {
      core_v1::Taint taint = taints.view()[i];
      if (taint.key() == owned.key && taint.effect() == owned.effect) at = i;
    }
    bool wanted = wants(node.view(), owned);
    if (wanted == at.has_value()) continue;
    changed = true;
    if (!wanted) {
      taints.erase(*at);
      continue;
    }
    core_v1::TaintEdit taint = taints.append();
    taint.set_key(owned.key);
    taint.set_effect(owned.effect);
    taint.set_time_added(now);
  }
  if (taints.empty()) node.edit_spec().clear_taints();
  return changed;
}

NodeLifecycle::NodeLifecycle(Context context, Options options)
    : Controller(context, "node-lifecycle-controller", 1),
      options_(options),
      nodes_(watch(nodes())),
      leases_(watch(leases())),
      pods_(watch(pods())) {
  event_source_ = "node-controller";
  pods_.add_index(std::string(kByNode), [](const Object& object) {
    return std::vector<std::string>{std::string(core_v1::Pod(object).spec().node_name())};
  });
  enqueue_changes(nodes_);
  leases_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    const Object& lease = now ? *now : *old;
    if (metadata(lease).namespace_() == kLeaseNamespace) {
      enqueue(std::string(metadata(lease).name()));
    }
  });
}

Duration NodeLifecycle::until_silent(core_v1::Node node) {
  std::string name(node.metadata().name());
  Heartbeat& beat = heartbeats_[name];
  MicroTime renewed = 0;
  if (ObjectPtr lease = leases_.get(kLeaseNamespace, name)) {
    renewed = coordination_v1::Lease(*lease).spec().renew_time();
  }
  auto ready = find_condition(node, "Ready");
  MicroTime reported = ready ? ready->last_heartbeat_time() : 0;
  MonoTime now = context_.loop.mono();
  if (beat.seen == MonoTime{} || renewed != beat.renewed || reported != beat.reported) {
    beat = {.renewed = renewed, .reported = reported, .seen = now};
  }
  Duration grace = ready ? options_.grace_period : options_.startup_grace;
  return beat.seen + grace - now;
}

Decision NodeLifecycle::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr object = nodes_.get("", key);
  if (!object) {
    heartbeats_.erase(key);
    return decision;
  }
  core_v1::Node node(*object);
  Duration left = until_silent(node);
  bool silent = left <= Duration::zero();
  if (!silent) decision.look_again_in(left);
  bool was_ready = condition_status(node, "Ready") == "True";
  Draft draft(*object);
  core_v1::NodeEdit edit(draft);
  if (silent && has_live_conditions(node)) {
    mark_unknown(edit, now);
    Action action = status_update(nodes_.resource(), draft.freeze());
    if (was_ready) {
      action.success =
          Note{object, "Normal", "NodeNotReady", "Node " + key + " status is now: NodeNotReady"};
    }
    decision.add(std::move(action));
    return decision;  // taints follow once the new conditions are in the cache
  }
  if (update_taints(edit, now)) decision.add(update_action(nodes_.resource(), draft.freeze()));
  if (was_ready) return decision;
  for (const ObjectPtr& pod : pods_.by_index(kByNode, key)) {
    ObjectPtr changed = not_ready(*pod, now);
    if (!changed) continue;
    Action action = status_update(pods_.resource(), changed);
    action.success = Note{pod, "Warning", "NodeNotReady", "Node is not ready"};
    decision.add(std::move(action));
  }
  return decision;
}

}  // namespace tiphys::controllers
