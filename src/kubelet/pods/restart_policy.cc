#include "kubelet/pods/restart_policy.h"

#include <algorithm>

#include "kinds/pods.h"

namespace tiphys::kubelet {
namespace {

bool matches(core_v1::ContainerRestartRuleOnExitCodes codes, int32_t exit_code) {
  bool listed = false;
  for (int32_t code : codes.values()) listed = listed || code == exit_code;
  if (codes.operator_() == "In") return listed;
  return codes.operator_() == "NotIn" && !listed;
}

// RestartAllContainers is off by default in v1.35; the API refuses it.
bool rule_restarts(core_v1::Container container, int32_t exit_code) {
  for (core_v1::ContainerRestartRule rule : container.restart_policy_rules()) {
    if (rule.has_exit_codes() && matches(rule.exit_codes(), exit_code)) {
      return rule.action() == "Restart";
    }
  }
  return false;
}

std::string_view policy_of(core_v1::PodSpec spec, core_v1::Container container) {
  return container.restart_policy().empty() ? spec.restart_policy() : container.restart_policy();
}

bool ended_for_good(core_v1::PodSpec spec, core_v1::Container c, const ContainerRecord* last) {
  return last && last->state == ContainerState::kExited && !last->restart_due &&
         !restarts(spec, c, last->exit_code);
}

}  // namespace

bool restarts(core_v1::PodSpec spec, core_v1::Container container, int32_t exit_code) {
  if (rule_restarts(container, exit_code)) return true;
  std::string_view policy = policy_of(spec, container);
  if (policy == "Never") return false;
  return policy != "OnFailure" || exit_code != 0;
}

bool may_restart(core_v1::PodSpec spec, core_v1::Container container) {
  for (core_v1::ContainerRestartRule rule : container.restart_policy_rules()) {
    if (rule.action() == "Restart") return true;
  }
  return restarts_when_killed(spec, container);
}

bool restarts_when_killed(core_v1::PodSpec spec, core_v1::Container container) {
  return policy_of(spec, container) != "Never";
}

bool is_finished(core_v1::Pod pod, const PodRuntime& runtime) {
  core_v1::PodSpec spec = pod.spec();
  bool all_ended = !spec.containers().empty();
  for (core_v1::Container c : spec.containers()) {
    all_ended = all_ended && ended_for_good(spec, c, runtime.newest(c.name()));
  }
  if (all_ended) return true;
  const SandboxRecord* sandbox = runtime.newest_sandbox();
  std::string id = sandbox ? sandbox->id : "";
  for (core_v1::Container c : spec.containers()) {
    if (runtime.newest(c.name(), id)) return false;  // initialisation is over
  }
  for (core_v1::Container c : spec.init_containers()) {
    const ContainerRecord* last = runtime.newest(c.name(), id);
    if (kinds::is_sidecar(c) || !last || last->exit_code == 0) continue;
    if (ended_for_good(spec, c, last)) return true;
  }
  return false;
}

}  // namespace tiphys::kubelet
