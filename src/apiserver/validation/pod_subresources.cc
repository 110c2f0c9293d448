#include "apiserver/validation/pod_subresources.h"
#include "apiserver/validation/internal_form.h"

#include <algorithm>

#include "apiserver/registry/meta.h"
#include "apiserver/validation/pod.h"
#include "base/strings.h"
#include "kinds/pods.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kMirrorPod = "kubernetes.io/config.mirror";
bool is_mirror_pod(core_v1::Pod pod) { return pod.metadata().annotations().contains(kMirrorPod); }

Value of(const Node& node) { return Value::of_node(ValueType::kStruct, const_cast<Node*>(&node)); }

// A copy of the old pod under the identity that the client sent.
Draft old_pod_as(const Draft& pod, const Object& old) {
  Draft kept(old);
  MetaEdit edit(kept);
  MetaView sent(pod);
  for (std::string_view field : {"name", "namespace", "uid", "resourceVersion", "managedFields"}) {
    edit.copy(field, sent);
  }
  return kept;
}

void count_change(Draft& pod, const Object& old) {
  core_v1::Pod now(pod.root());
  core_v1::Pod before(old);
  bool same = equal(of(now.spec().node()), of(before.spec().node()));
  MetaEdit(pod).set_int("generation", MetaView(old).generation() + (same ? 0 : 1));
}

using Containers = ListView<core_v1::Container>;

bool same_names(const Containers& a, const Containers& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name() != b[i].name()) return false;
  }
  return true;
}

template <class Edits>
void take_resources(const Containers& from, Edits into) {
  for (size_t i = 0; i < into.size(); ++i) {
    into[i].clear_resources();
    into[i].clear_resize_policy();
    if (from[i].has_resources()) into[i].set_resources(from[i].resources());
    for (core_v1::ContainerResizePolicy policy : from[i].resize_policy()) {
      into[i].edit_resize_policy().append(policy);
    }
  }
}

bool is_resizable_name(std::string_view resource) {
  return resource == "cpu" || resource == "memory";
}

// True if nothing but cpu and memory differs.
bool same_other_resources(MapView<std::string_view> now, MapView<std::string_view> old) {
  if (old.empty()) return true;
  auto part_of = [](MapView<std::string_view> some, MapView<std::string_view> all) {
    return std::ranges::all_of(some, [&](auto entry) {
      return is_resizable_name(entry.key) || all.find(entry.key) == entry.value;
    });
  };
  return part_of(now, old) && part_of(old, now);
}

bool same_but_resources(core_v1::Container now, core_v1::Container old) {
  Arena arena;
  Value left = arena.clone(of(now.node()));
  Value right = arena.clone(of(old.node()));
  core_v1::ContainerEdit(arena, *left.node).clear_resources();
  core_v1::ContainerEdit(arena, *right.node).clear_resources();
  return equal(left, right);
}

bool only_resized(core_v1::Container now, core_v1::Container old) {
  return same_but_resources(now, old) && old.resources().claims().empty() &&
         same_other_resources(now.resources().requests(), old.resources().requests()) &&
         same_other_resources(now.resources().limits(), old.resources().limits());
}

bool removes(MapView<std::string_view> now, MapView<std::string_view> old) {
  return std::ranges::any_of(old, [&](auto entry) { return !now.contains(entry.key); });
}

void forbid_removal(core_v1::Container now, core_v1::Container old, const FieldPath& path,
                    FieldErrors& errors) {
  if (removes(now.resources().requests(), old.resources().requests())) {
    errors.forbidden(path.child("requests"), "resource requests cannot be removed");
  }
  if (removes(now.resources().limits(), old.resources().limits())) {
    errors.forbidden(path.child("limits"), "resource limits cannot be removed");
  }
}

// Kubelets that can resize report what a running container has.
bool node_can_resize(core_v1::Pod old) {
  for (core_v1::ContainerStatus status : old.status().container_statuses()) {
    if (status.state().has_running()) return status.has_resources();
  }
  return true;
}

bool has_pod_level_resources(core_v1::Pod pod) {
  auto resources = pod.spec().resources();
  return !resources.requests().empty() || !resources.limits().empty();
}

// Why this pod can't be resized at all; "": it can.
std::string_view resize_refusal(core_v1::Pod pod, core_v1::Pod old) {
  if (has_pod_level_resources(old) || has_pod_level_resources(pod)) {
    return "pods with pod-level resources cannot be resized";
  }
  if (is_mirror_pod(old)) return "static pods cannot be resized";
  if (old.spec().os().name() == "windows") return "windows pods cannot be resized";
  return {};
}

// True if all containers are where they were.
bool check_order(const Containers& now, const Containers& old, std::string_view field,
                 FieldErrors& errors) {
  FieldPath path = FieldPath("spec").child(field);
  if (now.size() != old.size()) {
    errors.forbidden(path, std::string(field) + " may not be added or removed on resize");
    return false;
  }
  bool same = true;
  for (size_t i = 0; i < old.size(); ++i) {
    if (now[i].name() == old[i].name()) continue;
    same = false;
    errors.forbidden(path.index(i).child("name"),
                     std::string(field) + " may not be renamed or reordered on resize");
  }
  return same;
}

void check_removals(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors) {
  FieldPath spec("spec");
  for (size_t i = 0; i < old.spec().init_containers().size(); ++i) {
    core_v1::Container container = old.spec().init_containers()[i];
    if (!kinds::is_sidecar(container)) continue;
    forbid_removal(pod.spec().init_containers()[i], container,
                   spec.child("initContainers").index(i).child("resources"), errors);
  }
  for (size_t i = 0; i < old.spec().containers().size(); ++i) {
    forbid_removal(pod.spec().containers()[i], old.spec().containers()[i],
                   spec.child("containers").index(i).child("resources"), errors);
  }
}

void check_other_changes(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors) {
  FieldPath spec("spec");
  for (size_t i = 0; i < old.spec().containers().size(); ++i) {
    if (!only_resized(pod.spec().containers()[i], old.spec().containers()[i])) {
      errors.forbidden(spec, "only cpu and memory resources are mutable");
    }
  }
  for (size_t i = 0; i < old.spec().init_containers().size(); ++i) {
    core_v1::Container now = pod.spec().init_containers()[i];
    core_v1::Container before = old.spec().init_containers()[i];
    if (kinds::is_sidecar(now)) {
      if (!only_resized(now, before)) {
        errors.forbidden(spec, "only cpu and memory resources for sidecar containers are mutable");
      }
    } else if (!equal(of(now.node()), of(before.node()))) {
      errors.forbidden(spec, "resources for non-sidecar init containers are immutable");
    }
  }
}

}  // namespace

void keep_ephemeral_containers_only(Draft& pod, const Object& old) {
  Draft kept = old_pod_as(pod, old);
  core_v1::PodEdit edit(kept);
  edit.edit_spec().clear_ephemeral_containers();
  for (core_v1::EphemeralContainer added : core_v1::Pod(pod.root()).spec().ephemeral_containers()) {
    edit.edit_spec().edit_ephemeral_containers().append(added);
  }
  count_change(kept, old);
  pod = std::move(kept);
}

void keep_resources_only(Draft& pod, const Object& old) {
  core_v1::PodSpec sent = core_v1::Pod(pod.root()).spec();
  core_v1::PodSpec before = core_v1::Pod(old).spec();
  bool comparable = same_names(sent.containers(), before.containers()) &&
                    same_names(sent.init_containers(), before.init_containers());
  if (!comparable) return;  // what validation then refuses
  Draft kept = old_pod_as(pod, old);
  core_v1::PodEdit edit(kept);
  take_resources(sent.containers(), edit.edit_spec().edit_containers());
  if (!before.init_containers().empty()) {
    take_resources(sent.init_containers(), edit.edit_spec().edit_init_containers());
  }
  count_change(kept, old);
  pod = std::move(kept);
}

void validate_ephemeral_containers_update(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors) {
  if (is_mirror_pod(old)) {
    errors.forbidden(FieldPath::whole_object(), "static pods do not support ephemeral containers");
    return;
  }
  validate_pod(pod, &old, errors);
  validate_pod_annotation_updates(pod, old, FieldPath("metadata.annotations"), errors);
  FieldPath path = FieldPath("spec").child("ephemeralContainers");
  for (core_v1::EphemeralContainer before : old.spec().ephemeral_containers()) {
    core_v1::EphemeralContainer now;
    bool found = false;
    for (core_v1::EphemeralContainer candidate : pod.spec().ephemeral_containers()) {
      if (candidate.name() != before.name()) continue;
      now = candidate;
      found = true;
    }
    std::string which = "existing ephemeral containers " + go_quote(before.name());
    if (!found) {
      errors.forbidden(path, which + " may not be removed\n");
    } else if (!equal(of(now.node()), of(before.node()))) {
      errors.forbidden(path, which + " may not be changed\n" +
                                 internal_diff(core_v1::EphemeralContainer::message_type(),
                                               before.node(), now.node()));
    }
  }
}

void validate_pod_resize(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors) {
  FieldPath spec("spec");
  std::string_view refusal = resize_refusal(pod, old);
  if (!refusal.empty()) {
    errors.forbidden(FieldPath::whole_object(), refusal);
    return;
  }
  validate_pod(pod, &old, errors);
  std::string_view before = old.status().qos_class();
  if (before.empty()) before = kinds::qos_class(old.spec());
  if (before != kinds::qos_class(pod.spec())) {
    errors.invalid(spec, pod.status().qos_class(),
                   "Pod QOS Class may not change as a result of resizing");
  }
  if (!node_can_resize(old)) {
    errors.forbidden(spec, "Pod running on node without support for resize");
  }
  bool same = check_order(pod.spec().containers(), old.spec().containers(), "containers", errors);
  same = check_order(pod.spec().init_containers(), old.spec().init_containers(), "initContainers",
                     errors) &&
         same;
  if (!same) return;
  check_removals(pod, old, errors);
  check_other_changes(pod, old, errors);
}

}  // namespace tiphys::apiserver
