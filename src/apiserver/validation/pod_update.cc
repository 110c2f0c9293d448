// What updates of pods may change (those of their subresources: pod_subresources.h).
#include <optional>
#include <set>
#include <tuple>

#include "apiserver/validation/affinity.h"
#include "apiserver/validation/checks.h"
#include "apiserver/validation/internal_form.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/rules.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

// False: containers were added or removed, and nothing else is worth saying.
bool validate_images(const ListView<core_v1::Container>& now,
                     const ListView<core_v1::Container>& before, const FieldPath& path,
                     FieldErrors& errors) {
  if (now.size() != before.size()) {
    errors.forbidden(path, "pod updates may not add or remove containers");
    return false;
  }
  for (size_t i = 0; i < now.size(); ++i) {
    std::string_view image = now[i].image();
    FieldPath at = path.index(i).child("image");
    if (image.empty()) errors.required(at);
    if (trim(image).size() != image.size()) {
      errors.invalid(at, image, "must not have leading or trailing whitespace");
    }
  }
  return true;
}

// False: the deadline itself is wrong.
bool validate_deadline(core_v1::PodSpec now, core_v1::PodSpec before, FieldErrors& errors) {
  FieldPath path("spec.activeDeadlineSeconds");
  if (!now.has_active_deadline_seconds()) {
    if (before.has_active_deadline_seconds()) {
      errors.invalid_raw(path, "null", "must not update from a positive integer to nil value");
    }
    return true;
  }
  int64_t seconds = now.active_deadline_seconds();
  if (seconds < 0 || seconds > INT32_MAX) {
    errors.invalid(path, seconds, "must be between 0 and 2147483647, inclusive");
    return false;
  }
  if (before.has_active_deadline_seconds() && before.active_deadline_seconds() < seconds) {
    errors.invalid(path, seconds, "must be less than or equal to previous value");
    return false;
  }
  return true;
}

// What of a toleration can't be changed.
auto fixed_part(core_v1::Toleration toleration) {
  return std::tuple(toleration.key(), toleration.operator_(), toleration.value(),
                    toleration.effect());
}

void validate_added_tolerations(core_v1::PodSpec now, core_v1::PodSpec before,
                                FieldErrors& errors) {
  FieldPath path("spec.tolerations");
  std::set<decltype(fixed_part(std::declval<core_v1::Toleration>()))> kept;
  for (core_v1::Toleration toleration : now.tolerations()) kept.insert(fixed_part(toleration));
  for (core_v1::Toleration old : before.tolerations()) {
    if (kept.contains(fixed_part(old))) continue;
    errors.forbidden(path, "existing toleration can not be modified except its tolerationSeconds");
    return;
  }
  validate_tolerations(now.tolerations(), path, errors);
}

void validate_removed_gates(core_v1::PodSpec now, core_v1::PodSpec before, FieldErrors& errors) {
  std::set<std::string_view> known;
  for (core_v1::PodSchedulingGate gate : before.scheduling_gates()) known.insert(gate.name());
  for (size_t i = 0; i < now.scheduling_gates().size(); ++i) {
    std::string_view name = now.scheduling_gates()[i].name();
    if (known.contains(name)) continue;
    errors.forbidden(
        FieldPath("spec.schedulingGates").index(i).child("name"),
        "only deletion is allowed, but found new scheduling gate '" + std::string(name) + "'");
  }
}

// The first items of `now` are those of `before`.
template <class List>
bool starts_with(const List& now, const List& before) {
  if (now.size() < before.size()) return false;
  for (size_t i = 0; i < before.size(); ++i) {
    if (!equal(now[i], before[i])) return false;
  }
  return true;
}

bool only_adds(core_v1::NodeSelectorTerm now, core_v1::NodeSelectorTerm before) {
  bool matched_nothing = before.match_expressions().empty() && before.match_fields().empty();
  bool matches = !now.match_expressions().empty() || !now.match_fields().empty();
  if (matched_nothing && matches) return false;
  return starts_with(now.match_expressions(), before.match_expressions()) &&
         starts_with(now.match_fields(), before.match_fields());
}

void validate_narrower_affinity(core_v1::NodeAffinity now, core_v1::NodeAffinity before,
                                FieldErrors& errors) {
  FieldPath path = FieldPath("spec.affinity.nodeAffinity")
                       .child("requiredDuringSchedulingIgnoredDuringExecution")
                       .child("nodeSelectorTerms");
  core_v1::NodeSelector selector = now.required_during_scheduling_ignored_during_execution();
  auto terms = selector.node_selector_terms();
  auto old_terms =
      before.required_during_scheduling_ignored_during_execution().node_selector_terms();
  const schema::Message& type = core_v1::NodeSelector::message_type();
  if (!old_terms.empty() && terms.size() != old_terms.size()) {
    errors.invalid_raw(path, printed_field(type, selector.node(), "nodeSelectorTerms"),
                       "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
    return;
  }
  for (size_t i = 0; i < old_terms.size(); ++i) {
    if (only_adds(terms[i], old_terms[i])) continue;
    errors.invalid_raw(path.index(i), printed_field(type, selector.node(), "nodeSelectorTerms"),
                       "only additions are allowed (no mutations or deletions)");
  }
}

void validate_narrower_selector(core_v1::PodSpec now, core_v1::PodSpec before,
                                FieldErrors& errors) {
  for (auto [key, value] : before.node_selector()) {
    if (now.node_selector().contains(key) && now.node_selector().find(key) == value) continue;
    errors.invalid_raw(FieldPath("spec.nodeSelector"),
                       printed_field(core_v1::PodSpec::message_type(), now.node(), "nodeSelector"),
                       "only additions to spec.nodeSelector are allowed (no mutations or "
                       "deletions)");
    return;
  }
}

template <class ListEditor>
void take_images(ListEditor into, const ListView<core_v1::Container>& from) {
  for (size_t i = 0; i < into.size(); ++i) into[i].set_image(from[i].image());
}

// An affinity that holds nothing any more is none.
void take_node_affinity(core_v1::PodSpecEdit spec, core_v1::PodSpec before) {
  if (before.affinity().has_node_affinity()) {
    spec.edit_affinity().set_node_affinity(before.affinity().node_affinity());
  } else if (spec.view().has_affinity()) {
    spec.edit_affinity().clear_node_affinity();
  }
  if (!before.has_affinity() && spec.view().affinity().node().size == 0) spec.clear_affinity();
}

// How the new spec differs from the old one but for what may change; nothing: it does not.
std::optional<std::string> forbidden_changes(core_v1::PodSpec now, core_v1::PodSpec before) {
  Arena arena;
  Node* copy = arena.clone(Value::of_node(ValueType::kStruct, const_cast<Node*>(&now.node()))).node;
  core_v1::PodSpecEdit spec(arena, *copy);
  if (!now.containers().empty()) take_images(spec.edit_containers(), before.containers());
  if (!now.init_containers().empty()) {
    take_images(spec.edit_init_containers(), before.init_containers());
  }
  spec.clear_active_deadline_seconds();
  if (before.has_active_deadline_seconds()) {
    spec.set_active_deadline_seconds(before.active_deadline_seconds());
  }
  spec.clear_scheduling_gates();
  if (before.has_scheduling_gates()) spec.set_scheduling_gates(before.scheduling_gates());
  spec.clear_tolerations();
  if (before.has_tolerations()) spec.set_tolerations(before.tolerations());
  if (before.termination_grace_period_seconds() < 0 &&
      now.termination_grace_period_seconds() == 1) {
    spec.set_termination_grace_period_seconds(before.termination_grace_period_seconds());
  }
  if (!before.scheduling_gates().empty()) {
    spec.clear_node_selector();
    if (before.has_node_selector()) spec.set_node_selector(before.node_selector());
    take_node_affinity(spec, before);
  }
  if (equal(spec.view(), before)) return std::nullopt;
  return internal_diff(core_v1::PodSpec::message_type(), before.node(), spec.view().node());
}

}  // namespace

void validate_pod_update(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors) {
  FieldPath spec("spec");
  core_v1::PodSpec now = pod.spec();
  core_v1::PodSpec before = old.spec();
  validate_pod(pod, &old, errors);
  validate_pod_annotation_updates(pod, old, FieldPath("metadata.annotations"), errors);
  if (!validate_images(now.containers(), before.containers(), spec.child("containers"), errors)) {
    return;
  }
  if (!validate_images(now.init_containers(), before.init_containers(),
                       spec.child("initContainers"), errors)) {
    return;
  }
  if (!validate_deadline(now, before, errors)) return;
  validate_added_tolerations(now, before, errors);
  validate_removed_gates(now, before, errors);
  if (equal(now, before)) return;
  if (!before.scheduling_gates().empty()) {
    validate_narrower_selector(now, before, errors);
    validate_narrower_affinity(now.affinity().node_affinity(), before.affinity().node_affinity(),
                               errors);
  }
  std::optional<std::string> changes = forbidden_changes(now, before);
  if (!changes) return;
  errors.forbidden(spec,
                   "pod updates may not change fields other than `spec.containers[*].image`,"
                   "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
                   "`spec.tolerations` (only additions to existing tolerations),"
                   "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                   "previously negative)\n" +
                       *changes);
}

}  // namespace tiphys::apiserver
