#include "controllers/daemon_placement.h"

#include "base/strings.h"
#include "controllers/controller_revision.h"
#include "kinds/node_selector.h"
#include "kinds/tolerations.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kNodeNameField = "metadata.name";

struct TolerationRow {
  std::string_view key;
  std::string_view effect;
  bool only_host_network = false;
};

constexpr TolerationRow kTolerations[] = {
    {"node.kubernetes.io/not-ready", "NoExecute"},
    {"node.kubernetes.io/unreachable", "NoExecute"},
    {"node.kubernetes.io/disk-pressure", "NoSchedule"},
    {"node.kubernetes.io/memory-pressure", "NoSchedule"},
    {"node.kubernetes.io/pid-pressure", "NoSchedule"},
    {"node.kubernetes.io/unschedulable", "NoSchedule"},
    {"node.kubernetes.io/network-unavailable", "NoSchedule", true},
};

// One that is there already holds for ever from now on.
void put_toleration(core_v1::PodSpecEdit spec, const TolerationRow& row) {
  bool found = false;
  auto tolerations = spec.edit_tolerations();
  for (size_t i = 0; i < tolerations.size(); ++i) {
    core_v1::Toleration known = tolerations[i].view();
    bool same = known.key() == row.key && known.effect() == row.effect &&
                known.operator_() == "Exists" && known.value().empty();
    if (!same) continue;
    tolerations[i].clear_toleration_seconds();
    found = true;
  }
  if (found) return;
  core_v1::TolerationEdit made = tolerations.append();
  made.set_key(row.key);
  made.set_operator("Exists");
  made.set_effect(row.effect);
}

bool tolerates_all(const core_v1::PodSpec& spec, const core_v1::Node& node, bool no_schedule) {
  for (core_v1::Taint taint : node.spec().taints()) {
    bool counts = taint.effect() == "NoExecute" || (no_schedule && taint.effect() == "NoSchedule");
    if (counts && !find_toleration(spec.tolerations(), taint)) return false;
  }
  return true;
}

}  // namespace

Draft daemon_template(const apps_v1::DaemonSet& set, std::string_view hash) {
  Draft draft(core_v1::PodTemplateSpec::message());
  core_v1::PodTemplateSpecEdit edit(draft);
  core_v1::PodTemplateSpec from = set.spec().template_();
  edit.set_metadata(from.metadata());
  edit.set_spec(from.spec());
  for (const TolerationRow& row : kTolerations) {
    if (row.only_host_network && !from.spec().host_network()) continue;
    put_toleration(edit.edit_spec(), row);
  }
  auto labels = edit.edit_metadata().edit_labels();
  std::string_view generation = set.metadata().annotations().find(kTemplateGenerationAnnotation);
  if (parse_int(generation)) labels.set(kTemplateGenerationLabel, generation);
  if (!hash.empty()) labels.set(kPodRevisionLabel, hash);
  return draft;
}

NodeFit node_fit(const core_v1::PodSpec& spec, const core_v1::Node& node) {
  bool named = spec.node_name().empty() || spec.node_name() == node.metadata().name();
  if (!named || !kinds::matches_node(spec, node)) return {};
  return {tolerates_all(spec, node, true), tolerates_all(spec, node, false)};
}

ObjectPtr daemon_pod(const Object& base, std::string_view node) {
  Draft draft(base);
  core_v1::NodeSelectorEdit required =
      core_v1::PodEdit(draft)
          .edit_spec()
          .edit_affinity()
          .edit_node_affinity()
          .edit_required_during_scheduling_ignored_during_execution();
  // The node was seen to match what the template requires; the terms are alternatives, so the
  // node's name takes their place.
  required.clear_node_selector_terms();
  core_v1::NodeSelectorRequirementEdit field =
      required.edit_node_selector_terms().append().edit_match_fields().append();
  field.set_key(kNodeNameField);
  field.set_operator("In");
  field.edit_values().append(node);
  return draft.freeze();
}

std::string_view target_node(const core_v1::Pod& pod) {
  if (!pod.spec().node_name().empty()) return pod.spec().node_name();
  core_v1::NodeSelector required =
      pod.spec().affinity().node_affinity().required_during_scheduling_ignored_during_execution();
  for (core_v1::NodeSelectorTerm term : required.node_selector_terms()) {
    for (core_v1::NodeSelectorRequirement field : term.match_fields()) {
      if (field.key() != kNodeNameField || field.operator_() != "In") continue;
      return field.values().size() == 1 ? field.values()[0] : std::string_view();
    }
  }
  return {};
}

bool is_pod_updated(const core_v1::Pod& pod, std::string_view hash, std::string_view generation) {
  auto labels = pod.metadata().labels();
  if (!hash.empty() && labels.find(kPodRevisionLabel) == hash) return true;
  return !generation.empty() && labels.find(kTemplateGenerationLabel) == generation;
}

}  // namespace tiphys::controllers
