#include "scheduler/status_patch.h"

#include "codec/codec.h"

namespace tiphys::scheduler {
namespace {

struct Condition {
  std::string_view type, status, reason, message;
};

std::optional<core_v1::PodCondition> find_condition(const core_v1::Pod& pod,
                                                    std::string_view type) {
  for (core_v1::PodCondition condition : pod.status().conditions()) {
    if (condition.type() == type) return condition;
  }
  return std::nullopt;
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  codec::append_json_string(text, out);
}

// The transition time moves only if the status does.
std::string condition_json(const core_v1::Pod& pod, const Condition& wanted, MicroTime now) {
  std::optional<core_v1::PodCondition> old = find_condition(pod, wanted.type);
  MicroTime since = old && old->status() == wanted.status ? old->last_transition_time() : now;
  std::string out = "{\"lastProbeTime\":null";
  append_member(out, "lastTransitionTime", format_rfc3339(since));
  append_member(out, "message", wanted.message);
  if (int64_t generation = pod.metadata().generation(); generation > 0) {
    out += ",\"observedGeneration\":" + std::to_string(generation);
  }
  append_member(out, "reason", wanted.reason);
  append_member(out, "status", wanted.status);
  append_member(out, "type", wanted.type);
  return out + "}";
}

}  // namespace

std::string unscheduled_patch(const Object& object, std::string_view reason,
                              std::string_view message, std::optional<std::string> nominated_node,
                              MicroTime now) {
  core_v1::Pod pod(object);
  std::optional<core_v1::PodCondition> old = find_condition(pod, "PodScheduled");
  bool same =
      old && old->status() == "False" && old->reason() == reason && old->message() == message;
  bool nominate = nominated_node && *nominated_node != pod.status().nominated_node_name();
  if (same && !nominate) return "";
  std::string out = "{\"status\":{\"conditions\":[";
  out += condition_json(pod, {"PodScheduled", "False", reason, message}, now) + "]";
  if (nominate) append_member(out, "nominatedNodeName", *nominated_node);
  return out + "}}";
}

std::string disruption_patch(const Object& object, std::string_view scheduler, MicroTime now) {
  std::string message =
      std::string(scheduler) + ": preempting to accommodate a higher priority pod";
  Condition wanted{"DisruptionTarget", "True", "PreemptionByScheduler", message};
  return "{\"status\":{\"conditions\":[" + condition_json(core_v1::Pod(object), wanted, now) +
         "]}}";
}

ObjectPtr binding_object(const PodInfo& pod, std::string_view node) {
  Draft draft = core_v1::Binding::make();
  core_v1::BindingEdit edit(draft);
  edit.edit_metadata().set_namespace(pod.ns);
  edit.edit_metadata().set_name(pod.name);
  edit.edit_metadata().set_uid(pod.uid);
  edit.edit_target().set_kind("Node");
  edit.edit_target().set_name(node);
  return draft.freeze();
}

}  // namespace tiphys::scheduler
