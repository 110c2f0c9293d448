#include "controllers/node_taints.h"

namespace tiphys::controllers {
namespace {

constexpr std::string_view kNoExecute = "NoExecute";
constexpr std::string_view kReported[] = {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"};

struct OwnedTaint {
  std::string_view key;
  std::string_view effect;
};
constexpr OwnedTaint kOwned[] = {
    {"node.kubernetes.io/not-ready", "NoSchedule"},
    {"node.kubernetes.io/not-ready", kNoExecute},
    {"node.kubernetes.io/unreachable", "NoSchedule"},
    {"node.kubernetes.io/unreachable", kNoExecute},
    {"node.kubernetes.io/memory-pressure", "NoSchedule"},
    {"node.kubernetes.io/disk-pressure", "NoSchedule"},
    {"node.kubernetes.io/pid-pressure", "NoSchedule"},
    {"node.kubernetes.io/network-unavailable", "NoSchedule"},
    {"node.kubernetes.io/unschedulable", "NoSchedule"},
};

bool wants(core_v1::Node node, const OwnedTaint& taint, Evictions evictions) {
  bool evicts = taint.effect == kNoExecute;
  if (evicts && evictions == Evictions::kNone) return false;
  if (evicts && evictions == Evictions::kHeld) return false;
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

struct LabelPair {
  std::string_view stable;
  std::string_view beta;
};
constexpr LabelPair kLabels[] = {{"kubernetes.io/os", "beta.kubernetes.io/os"},
                                 {"kubernetes.io/arch", "beta.kubernetes.io/arch"}};

}  // namespace

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
    condition.set_last_heartbeat_time(node.view().metadata().creation_timestamp());
    condition.set_last_transition_time(now);
  }
}

bool update_taints(core_v1::NodeEdit node, Evictions evictions, MicroTime now) {
  bool changed = false;
  if (evictions == Evictions::kHeld && is_evicting(node.view())) evictions = Evictions::kAllowed;
  auto taints = node.edit_spec().edit_taints();
  for (const OwnedTaint& owned : kOwned) {
    std::optional<size_t> at;
    for (size_t i = 0; i < taints.size(); ++i) {
      core_v1::Taint taint = taints.view()[i];
      if (taint.key() == owned.key && taint.effect() == owned.effect) at = i;
    }
    bool wanted = wants(node.view(), owned, evictions);
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

bool is_evicting(core_v1::Node node) {
  for (core_v1::Taint taint : node.spec().taints()) {
    if (taint.effect() != kNoExecute) continue;
    for (const OwnedTaint& owned : kOwned) {
      if (owned.effect == kNoExecute && taint.key() == owned.key) return true;
    }
  }
  return false;
}

bool should_evict(core_v1::Node node) {
  auto ready = find_condition(node, "Ready");
  return ready && ready->status() != "True";
}

bool update_labels(core_v1::NodeEdit node) {
  bool changed = false;
  for (const LabelPair& pair : kLabels) {
    auto labels = node.view().metadata().labels();
    if (!labels.contains(pair.stable)) continue;
    std::string value(labels.find(pair.stable));
    if (labels.contains(pair.beta) && labels.find(pair.beta) == value) continue;
    node.edit_metadata().edit_labels().set(pair.beta, value);
    changed = true;
  }
  return changed;
}

}  // namespace tiphys::controllers
