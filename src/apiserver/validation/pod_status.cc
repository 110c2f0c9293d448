// Writes of a pod's status.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/rules.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kSystemConditions[] = {"PodScheduled", "Ready", "Initialized"};
constexpr std::string_view kHealths[] = {"Healthy", "Unhealthy", "Unknown"};
constexpr size_t kMaxAddresses = 2;

using Statuses = ListView<core_v1::ContainerStatus>;

void validate_conditions(core_v1::PodStatus status, const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < status.conditions().size(); ++i) {
    core_v1::PodCondition condition = status.conditions()[i];
    FieldPath at = path.index(i);
    if (condition.observed_generation() < 0) {
      errors.invalid(at.child("observedGeneration"), condition.observed_generation(),
                     "must be a non-negative integer");
    }
    if (is_one_of(condition.type(), kSystemConditions)) continue;
    errors.invalid_all(at.child("Type"), condition.type(), check_qualified_name(condition.type()));
  }
}

core_v1::Container find_container(const ListView<core_v1::Container>& list, std::string_view name) {
  for (core_v1::Container container : list) {
    if (container.name() == name) return container;
  }
  return {};
}

bool rule_restarts(core_v1::ContainerRestartRule rule, int32_t code) {
  if (rule.action() != "Restart" || !rule.has_exit_codes()) return false;
  bool listed =
      std::ranges::any_of(rule.exit_codes().values(), [&](int32_t value) { return value == code; });
  return rule.exit_codes().operator_() == "In" ? listed : !listed;
}

// KEP-5307: a container's rules, its policy, then the pod's policy decide.
bool should_restart(core_v1::Container container, core_v1::PodSpec spec, int32_t code) {
  for (core_v1::ContainerRestartRule rule : container.restart_policy_rules()) {
    if (rule_restarts(rule, code)) return true;
  }
  std::string_view policy =
      container.has_restart_policy() ? container.restart_policy() : spec.restart_policy();
  return policy == "Always" || (policy == "OnFailure" && code != 0);
}

// Of a container that has ended and may not start again.
template <class MayRestart>
void validate_ended(const Statuses& now, const Statuses& before, const FieldPath& path,
                    MayRestart may_restart, FieldErrors& errors) {
  for (size_t i = 0; i < before.size(); ++i) {
    core_v1::ContainerState state = before[i].state();
    if (!state.has_terminated()) continue;
    if (may_restart(before[i].name(), state.terminated().exit_code())) continue;
    for (core_v1::ContainerStatus status : now) {
      if (status.name() != before[i].name() || status.state().has_terminated()) continue;
      errors.forbidden(path.index(i).child("state"),
                       "may not be transitioned to non-terminated state");
    }
  }
}

void validate_transitions(core_v1::Pod pod, core_v1::Pod old, const FieldPath& path,
                          FieldErrors& errors) {
  core_v1::PodSpec spec = old.spec();
  core_v1::PodStatus now = pod.status();
  core_v1::PodStatus before = old.status();
  validate_ended(
      now.container_statuses(), before.container_statuses(), path.child("containerStatuses"),
      [&](std::string_view name, int32_t code) {
        core_v1::Container container = find_container(spec.containers(), name);
        return !container.name().empty() && should_restart(container, spec, code);
      },
      errors);
  validate_ended(
      now.init_container_statuses(), before.init_container_statuses(),
      path.child("initContainerStatuses"),
      [&](std::string_view name, int32_t code) {
        core_v1::Container container = find_container(spec.init_containers(), name);
        return container.restart_policy() == "Always" || should_restart(container, spec, code);
      },
      errors);
  validate_ended(
      now.ephemeral_container_statuses(), before.ephemeral_container_statuses(),
      path.child("ephemeralContainerStatuses"), [](std::string_view, int32_t) { return false; },
      errors);
}

void validate_claim_statuses(core_v1::Pod pod, const FieldPath& path, FieldErrors& errors) {
  auto statuses = pod.status().resource_claim_statuses();
  std::set<std::string_view> names;
  for (size_t i = 0; i < statuses.size(); ++i) {
    std::string_view name = statuses[i].name();
    FieldPath at = path.index(i).child("name");
    bool known = std::ranges::any_of(pod.spec().resource_claims(),
                                     [&](auto claim) { return claim.name() == name; });
    if (!known) {
      errors.invalid(at, name, "must match the name of an entry in `spec.resourceClaims`");
    }
    if (!names.insert(name).second) errors.duplicate(at, name);
    if (!statuses[i].has_resource_claim_name()) continue;
    std::string_view claim = statuses[i].resource_claim_name();
    errors.invalid_all(at, claim, check_dns1123_subdomain(claim));
  }
}

// PodIP and HostIP lists: valid, and one of each family.
template <class List>
void validate_addresses(const List& list, const List& before, const FieldPath& path,
                        std::string_view printed, FieldErrors& errors) {
  bool v4 = false;
  bool v6 = false;
  for (size_t i = 0; i < list.size(); ++i) {
    std::string_view text = list[i].ip();
    std::optional<IpAddress> address = parse_ip(text);
    if (address) (address->v6 ? v6 : v4) = true;
    bool known = std::ranges::any_of(before, [&](auto each) { return each.ip() == text; });
    if (!known) errors.invalid_all(path.index(i), text, check_ip(text));
  }
  if (list.size() > 1 && (!v4 || !v6 || list.size() > kMaxAddresses)) {
    errors.invalid_raw(path, printed, "may specify no more than one IP for each IP family");
  }
}

void validate_all_addresses(core_v1::PodStatus now, core_v1::PodStatus before,
                            const FieldPath& path, FieldErrors& errors) {
  const schema::Message& type = core_v1::PodStatus::message_type();
  validate_addresses(now.pod_ips(), before.pod_ips(), path.child("podIPs"),
                     printed_field(type, now.node(), "podIPs"), errors);
  if (now.host_ips().empty()) return;
  if (now.host_ip() != now.host_ips()[0].ip()) {
    errors.invalid(path.child("hostIPs").index(0).child("ip"), now.host_ips()[0].ip(),
                   "must be equal to `hostIP`");
  }
  validate_addresses(now.host_ips(), before.host_ips(), path.child("hostIPs"),
                     printed_field(type, now.node(), "hostIPs"), errors);
}

void validate_linux_user(core_v1::LinuxContainerUser user, const FieldPath& path,
                         FieldErrors& errors) {
  check_number(check_user_or_group_id(user.uid()), user.uid(), path.child("uid"), errors);
  check_number(check_user_or_group_id(user.gid()), user.gid(), path.child("gid"), errors);
  for (size_t i = 0; i < user.supplemental_groups().size(); ++i) {
    int64_t group = user.supplemental_groups()[i];
    check_number(check_user_or_group_id(group), group, path.child("supplementalGroups").index(i),
                 errors);
  }
}

void validate_users(const Statuses& statuses, bool windows, const FieldPath& path,
                    FieldErrors& errors) {
  for (size_t i = 0; i < statuses.size(); ++i) {
    if (!statuses[i].user().has_linux()) continue;
    FieldPath at = path.index(i).child("user").child("linux");
    if (windows) {
      errors.forbidden(at, "cannot be set for a windows pod");
    } else {
      validate_linux_user(statuses[i].user().linux(), at, errors);
    }
  }
}

bool has_claim(core_v1::Container container, std::string_view name) {
  return std::ranges::any_of(container.resources().claims(), [&](core_v1::ResourceClaim claim) {
    std::string full = "claim:" + std::string(claim.name());
    if (!claim.request().empty()) full += "/" + std::string(claim.request());
    return full == name;
  });
}

void validate_allocated(core_v1::ResourceStatus allocated, core_v1::Container container, bool found,
                        const FieldPath& path, FieldErrors& errors) {
  std::string_view name = allocated.name();
  bool claim = name.starts_with("claim:");
  bool known = claim ? has_claim(container, name) : container.resources().requests().contains(name);
  if (found && !known) {
    errors.invalid(path.child("name"), name,
                   claim ? "must match one of the container's resource claims in a format "
                           "'claim:<claimName>/<request>' or 'claim:<claimName>' if request is "
                           "empty"
                         : "must match one of the container's resource requests");
  }
  std::set<std::string_view> ids;
  for (size_t i = 0; i < allocated.resources().size(); ++i) {
    core_v1::ResourceHealth health = allocated.resources()[i];
    FieldPath at = path.child("resources").index(i);
    check_supported(health.health(), kHealths, at.child("health"), errors);
    if (!ids.insert(health.resource_id()).second) {
      errors.duplicate(at.child("resourceID"), health.resource_id());
    }
  }
}

void validate_allocated_statuses(const Statuses& statuses,
                                 const ListView<core_v1::Container>& containers,
                                 const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < statuses.size(); ++i) {
    core_v1::Container container = find_container(containers, statuses[i].name());
    bool found = !container.name().empty();
    auto list = statuses[i].allocated_resources_status();
    for (size_t k = 0; k < list.size(); ++k) {
      validate_allocated(list[k], container, found,
                         path.index(i).child("allocatedResourcesStatus").index(k), errors);
    }
  }
}

void validate_container_statuses(core_v1::Pod pod, const FieldPath& path, FieldErrors& errors) {
  core_v1::PodStatus status = pod.status();
  bool windows = pod.spec().os().name() == "windows";
  FieldPath containers = path.child("containerStatuses");
  FieldPath init = path.child("initContainerStatuses");
  FieldPath ephemeral = path.child("ephemeralContainerStatuses");
  validate_users(status.container_statuses(), windows, containers, errors);
  validate_users(status.init_container_statuses(), windows, init, errors);
  validate_users(status.ephemeral_container_statuses(), windows, ephemeral, errors);
  validate_allocated_statuses(status.container_statuses(), pod.spec().containers(), containers,
                              errors);
  validate_allocated_statuses(status.init_container_statuses(), pod.spec().init_containers(), init,
                              errors);
  for (size_t i = 0; i < status.ephemeral_container_statuses().size(); ++i) {
    if (status.ephemeral_container_statuses()[i].allocated_resources_status().empty()) continue;
    errors.forbidden(ephemeral.index(i).child("allocatedResourcesStatus"),
                     "must not be specified in container status");
  }
}

void validate_nomination(core_v1::Pod pod, core_v1::Pod old, const FieldPath& path,
                         FieldErrors& errors) {
  std::string_view name = pod.status().nominated_node_name();
  if (name.empty() || name == old.status().nominated_node_name()) return;
  errors.invalid_all(path, name, check_dns1123_subdomain(name));
}

}  // namespace

void validate_pod_status_update(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors) {
  FieldPath path("status");
  core_v1::PodStatus now = pod.status();
  FieldPath annotations("metadata.annotations");
  validate_pod_annotation_updates(pod, old, annotations, errors);
  validate_conditions(now, path.child("conditions"), errors);
  validate_nomination(pod, old, path.child("nominatedNodeName"), errors);
  if (now.observed_generation() < 0) {
    errors.invalid(path.child("observedGeneration"), now.observed_generation(),
                   "must be a non-negative integer");
  }
  if (now.qos_class() != old.status().qos_class()) {
    errors.invalid(path.child("qosClass"), now.qos_class(), "field is immutable");
  }
  validate_transitions(pod, old, path, errors);
  validate_claim_statuses(pod, path.child("resourceClaimStatuses"), errors);
  validate_all_addresses(now, old.status(), path, errors);
  validate_container_statuses(pod, path, errors);
}

}  // namespace tiphys::apiserver
