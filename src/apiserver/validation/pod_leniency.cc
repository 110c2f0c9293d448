// What the old spec of a pod or template has that would not be let in today.
#include "apiserver/validation/affinity.h"
#include "apiserver/validation/checks.h"
#include "apiserver/validation/container_parts.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/resource_names.h"
#include "apiserver/validation/resources.h"
#include "apiserver/validation/selectors.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kDeletionCost = "controller.kubernetes.io/pod-deletion-cost";

bool has_odd_pages(const MapView<std::string_view>& amounts) {
  for (auto [name, amount] : amounts) {
    if (is_huge_page_resource(name) && !is_whole_huge_pages(name, amount)) return true;
  }
  return false;
}

bool has_odd_pages(core_v1::PodSpec spec) {
  bool odd = has_odd_pages(spec.overhead());
  for_each_container(spec, FieldPath(), [&](core_v1::Container container, const FieldPath&) {
    odd |= has_odd_pages(container.resources().limits());
    odd |= has_odd_pages(container.resources().requests());
  });
  return odd;
}

template <class AffinityView>
void check_selectors(AffinityView affinity, FieldErrors& errors) {
  for (auto term : affinity.required_during_scheduling_ignored_during_execution()) {
    validate_pod_affinity_selectors(term, false, FieldPath(), errors);
  }
  for (auto weighted : affinity.preferred_during_scheduling_ignored_during_execution()) {
    validate_pod_affinity_selectors(weighted.pod_affinity_term(), false, FieldPath(), errors);
  }
}

bool has_bad_affinity_selectors(core_v1::PodSpec spec) {
  FieldErrors errors;
  check_selectors(spec.affinity().pod_affinity(), errors);
  check_selectors(spec.affinity().pod_anti_affinity(), errors);
  return !errors.empty();
}

bool has_bad_spread_selectors(core_v1::PodSpec spec) {
  FieldErrors errors;
  for (auto constraint : spec.topology_spread_constraints()) {
    validate_label_selector(constraint.label_selector(), FieldPath(), errors);
  }
  return !errors.empty();
}

bool has_bad_spread_keys(core_v1::PodSpec spec) {
  FieldErrors errors;
  for (auto constraint : spec.topology_spread_constraints()) {
    validate_label_keys(constraint.match_label_keys(), {}, constraint.has_label_selector(),
                        constraint.label_selector(), FieldPath(), errors);
  }
  return !errors.empty();
}

bool has_odd_token_paths(core_v1::PodSpec spec) {
  FieldErrors errors;
  for (core_v1::Volume volume : spec.volumes()) {
    for (core_v1::VolumeProjection source : volume.projected().sources()) {
      if (!source.has_service_account_token()) continue;
      check_local_path(source.service_account_token().path(), FieldPath(), errors);
    }
  }
  return !errors.empty();
}

bool has_host_sysctls(core_v1::PodSpec spec) {
  FieldErrors errors;
  for (core_v1::Sysctl sysctl : spec.security_context().sysctls()) {
    validate_host_sysctl(spec, sysctl.name(), FieldPath(), errors);
  }
  return !errors.empty();
}

bool has_user_namespace_devices(core_v1::PodSpec spec) {
  bool found = false;
  for_each_container(spec, FieldPath(), [&](core_v1::Container container, const FieldPath&) {
    found |= !container.volume_devices().empty();
  });
  return found && spec.has_host_users() && !spec.host_users();
}

}  // namespace

PodLeniency pod_leniency(core_v1::PodSpec old, MapView<std::string_view> annotations) {
  const core_v1::NodeAffinity nodes = old.affinity().node_affinity();
  bool costly = annotations.contains(kDeletionCost);
  return {.deletion_cost = costly && !is_deletion_cost(annotations.find(kDeletionCost)),
          .huge_pages = has_odd_pages(old),
          .selector_values = has_bad_affinity_selectors(old),
          .node_values =
              has_invalid_node_values(nodes.required_during_scheduling_ignored_during_execution()),
          .spread_selectors = has_bad_spread_selectors(old),
          .spread_keys = has_bad_spread_keys(old),
          .token_paths = has_odd_token_paths(old),
          .host_sysctls = has_host_sysctls(old),
          .user_namespace_devices = has_user_namespace_devices(old)};
}

}  // namespace tiphys::apiserver
