#include "controllers/job_policies.h"

#include <algorithm>

namespace tiphys::controllers {

namespace {

using Requirement = batch_v1::PodFailurePolicyOnExitCodesRequirement;

bool exit_code_matches(const Requirement& requirement, int32_t code) {
  if (code == 0) return false;
  bool listed = std::ranges::any_of(requirement.values(), [&](int32_t v) { return v == code; });
  return requirement.operator_() == "In" ? listed : requirement.operator_() == "NotIn" && !listed;
}

std::optional<core_v1::ContainerStatus> matching_container(
    const ListView<core_v1::ContainerStatus>& statuses, const Requirement& requirement) {
  for (core_v1::ContainerStatus status : statuses) {
    if (!status.state().has_terminated()) continue;
    bool asked = !requirement.has_container_name() || requirement.container_name() == status.name();
    if (asked && exit_code_matches(requirement, status.state().terminated().exit_code())) {
      return status;
    }
  }
  return std::nullopt;
}

std::optional<core_v1::ContainerStatus> matching_container(const core_v1::Pod& pod,
                                                           const Requirement& requirement) {
  auto found = matching_container(pod.status().container_statuses(), requirement);
  if (found) return found;
  return matching_container(pod.status().init_container_statuses(), requirement);
}

std::optional<core_v1::PodCondition> matching_condition(
    const core_v1::Pod& pod, const batch_v1::PodFailurePolicyRule& rule) {
  for (core_v1::PodCondition condition : pod.status().conditions()) {
    for (batch_v1::PodFailurePolicyOnPodConditionsPattern pattern : rule.on_pod_conditions()) {
      bool same = condition.type() == pattern.type() && condition.status() == pattern.status();
      if (same) return condition;
    }
  }
  return std::nullopt;
}

// What the rule has found, for the message; nothing: it does not match.
std::optional<std::string> matched(const batch_v1::PodFailurePolicyRule& rule,
                                   const core_v1::Pod& pod) {
  std::string name =
      std::string(pod.metadata().namespace_()) + "/" + std::string(pod.metadata().name());
  if (rule.has_on_exit_codes()) {
    auto container = matching_container(pod, rule.on_exit_codes());
    if (!container) return std::nullopt;
    return "Container " + std::string(container->name()) + " for pod " + name +
           " failed with exit code " + std::to_string(container->state().terminated().exit_code());
  }
  auto condition = matching_condition(pod, rule);
  if (!condition) return std::nullopt;
  return "Pod " + name + " has condition " + std::string(condition->type());
}

}  // namespace

FailureVerdict match_failure(const batch_v1::JobSpec& spec, const core_v1::Pod& pod) {
  size_t index = 0;
  for (batch_v1::PodFailurePolicyRule rule : spec.pod_failure_policy().rules()) {
    std::optional<std::string> found = matched(rule, pod);
    if (found) {
      return {rule.action(), *found + " matching " + std::string(rule.action()) +
                                 " rule at index " + std::to_string(index)};
    }
    ++index;
  }
  return {};
}

std::optional<std::string> match_success(const batch_v1::JobSpec& spec,
                                         const IndexRanges& succeeded) {
  if (succeeded.empty()) return std::nullopt;
  size_t index = 0;
  for (batch_v1::SuccessPolicyRule rule : spec.success_policy().rules()) {
    int32_t have = succeeded.count();
    std::optional<int32_t> all;
    if (rule.has_succeeded_indexes()) {
      IndexRanges asked = IndexRanges::parse(rule.succeeded_indexes(), spec.completions());
      have = asked.count_common(succeeded);
      all = asked.count();
    }
    bool enough = (rule.has_succeeded_count() && have >= rule.succeeded_count()) || have == all;
    if (enough && all != 0) return "Matched rules at index " + std::to_string(index);
    ++index;
  }
  return std::nullopt;
}

}  // namespace tiphys::controllers
