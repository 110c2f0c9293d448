#include "apiserver/registry/graceful_delete.h"

#include <algorithm>

#include "apiserver/registry/meta.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kOrphan = "orphan";
constexpr std::string_view kForeground = "foregroundDeletion";

ApiStatus precondition_failed(const schema::Resource& resource, const MetaView& meta,
                              std::string_view what, std::string_view wanted, std::string_view have,
                              std::string_view ending) {
  std::string text = "the " + std::string(what) + " in the precondition (" + std::string(wanted) +
                     ") does not match the " + std::string(what) + " in record (" +
                     std::string(have) + "). The object might have been " + std::string(ending);
  return ApiStatus::conflict(resource.storage_gvk.group, resource.kind, meta.name(), text);
}

Result<void> check_preconditions(const schema::Resource& resource, const MetaView& meta,
                                 const Preconditions& wanted) {
  bool is_namespace = resource.group.empty() && resource.resource == "namespaces";
  if (is_namespace && !wanted.uid.empty() && wanted.uid != meta.uid()) {
    return ApiStatus::conflict("", resource.resource, meta.name(),
                               "Precondition failed: UID in precondition: " + wanted.uid +
                                   ", UID in object meta: " + std::string(meta.uid()));
  }
  if (!wanted.uid.empty() && wanted.uid != meta.uid()) {
    return precondition_failed(resource, meta, "UID", wanted.uid, meta.uid(),
                               "deleted and then recreated");
  }
  if (!wanted.resource_version.empty() && wanted.resource_version != meta.resource_version()) {
    return precondition_failed(resource, meta, "ResourceVersion", wanted.resource_version,
                               meta.resource_version(), "modified");
  }
  return {};
}

bool has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The finalizers that the propagation policy leaves on the object.
std::vector<std::string> finalizers_after(const schema::Resource& resource, const MetaView& meta,
                                          const DeleteRequest& request) {
  std::vector<std::string_view> present = meta.finalizers();
  bool orphan = has(present, kOrphan);
  bool foreground = !orphan && has(present, kForeground);
  bool orphans_by_default = resource.group.empty() && resource.resource == "replicationcontrollers";
  if (!orphan && !foreground && orphans_by_default) orphan = true;
  if (request.orphan_dependents) {
    orphan = *request.orphan_dependents;
    foreground = false;
  } else if (!request.propagation_policy.empty()) {
    orphan = request.propagation_policy == "Orphan";
    foreground = request.propagation_policy == "Foreground";
  }
  std::vector<std::string> names;
  for (std::string_view name : present) {
    if (name != kOrphan && name != kForeground) names.emplace_back(name);
  }
  if (orphan) names.emplace_back(kOrphan);
  if (foreground) names.emplace_back(kForeground);
  return names;
}

void mark_deleted(Draft& object, const MetaView& meta, MicroTime when, int64_t grace) {
  MetaEdit edit(object);
  bool first = !meta.deleting();
  if (first || meta.deletion_timestamp() > when) {
    edit.set_int("deletionTimestamp", when - when % kMicrosPerSecond);
  }
  edit.set_int("deletionGracePeriodSeconds", grace);
  if (first && meta.generation() > 0) edit.set_int("generation", meta.generation() + 1);
}

struct Grace {
  bool graceful = false;
  bool pending = false;
  int64_t seconds = 0;
};

// The grace period that holds, given what the object and the request say.
Grace grace_of(const Strategy& strategy, const Object& object, const MetaView& meta,
               std::optional<int64_t> requested) {
  if (!strategy.grace_period) return {};
  if (requested && *requested < 0) requested = 1;
  if (meta.deleting()) {
    int64_t running = meta.deletion_grace_period().value_or(0);
    if (running == 0) return {};
    if (requested && *requested < running) return {.graceful = true, .seconds = *requested};
    return {.pending = true};
  }
  int64_t seconds = strategy.grace_period(object, requested.value_or(-1));
  if (seconds < 0) return {};
  return {.graceful = true, .seconds = seconds};
}

bool is_namespace(const schema::Resource& resource) {
  return resource.group.empty() && resource.resource == "namespaces";
}

bool has_spec_finalizers(const Object& object) {
  return schema::find_path(object.type(), object.root(), {"spec", "finalizers"}).as_node().size > 0;
}

// A namespace is emptied first: until its own finalizers (spec.finalizers) are gone a deletion only
// marks it. Upstream: pkg/registry/core/namespace/storage.
DeletePlan plan_namespace_delete(const Object& object, const MetaView& meta, MicroTime now) {
  DeletePlan plan;
  if (meta.deleting()) {
    plan.step = DeleteStep::kPending;
    return plan;
  }
  Draft marked(object);
  MetaEdit(marked).set_int("deletionTimestamp", now - now % kMicrosPerSecond);
  core_v1::NamespaceEdit(marked).edit_status().set_phase("Terminating");
  plan.step = DeleteStep::kUpdate;
  plan.marked = std::move(marked);
  return plan;
}

}  // namespace

Result<DeletePlan> plan_delete(const schema::Resource& resource, const Strategy& strategy,
                               const Object& object, const DeleteRequest& request, MicroTime now) {
  MetaView meta(object);
  auto checked = check_preconditions(resource, meta, request.preconditions);
  if (!checked) return checked.error();
  if (is_namespace(resource) && has_spec_finalizers(object)) {
    return plan_namespace_delete(object, meta, now);
  }
  Grace grace = grace_of(strategy, object, meta, request.grace_period_seconds);
  DeletePlan plan;
  if (grace.pending) {
    plan.step = DeleteStep::kPending;
    return plan;
  }
  std::vector<std::string_view> present = meta.finalizers();
  std::vector<std::string> wanted = finalizers_after(resource, meta, request);
  bool changed = !std::equal(present.begin(), present.end(), wanted.begin(), wanted.end());
  if (!grace.graceful && present.empty() && !changed) return plan;
  Draft marked(object);
  if (changed) MetaEdit(marked).set_finalizers(wanted);
  if (grace.graceful) {
    MicroTime start = meta.deleting()
                          ? meta.deletion_timestamp() -
                                meta.deletion_grace_period().value_or(0) * kMicrosPerSecond
                          : now;
    mark_deleted(marked, meta, start + grace.seconds * kMicrosPerSecond, grace.seconds);
  } else if (!wanted.empty()) {
    mark_deleted(marked, meta, now, 0);
  }
  bool stays = !wanted.empty() || grace.seconds > 0;
  plan.step = stays ? DeleteStep::kUpdate : DeleteStep::kUpdateErase;
  plan.marked = std::move(marked);
  return plan;
}

bool removed_by_update(const schema::Resource& resource, const Object& object, const Object& old) {
  MetaView meta(object);
  MetaView before(old);
  if (!meta.deleting() || !meta.finalizers().empty()) return false;
  if (is_namespace(resource)) return !has_spec_finalizers(object);
  // Upstream: an object that was not marked with a grace period is left alone.
  auto grace = before.deletion_grace_period();
  return grace && *grace == 0;
}

}  // namespace tiphys::apiserver
