#include "apiserver/registry/graceful_delete.h"

#include <algorithm>

#include "apiserver/registry/kind_rules.h"
#include "apiserver/registry/meta.h"
#include "base/time_math.h"
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

bool has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The finalizers that the propagation policy leaves on the object.
std::vector<std::string> finalizers_after(const schema::Resource& resource, const MetaView& meta,
                                          const DeleteRequest& request) {
  std::vector<std::string_view> present = meta.finalizers();
  Dependents dependents = kind_rules(resource).dependents;
  bool orphan = has(present, kOrphan);
  bool foreground = !orphan && has(present, kForeground);
  if (!orphan && !foreground) orphan = dependents == Dependents::kOrphan;
  if (request.orphan_dependents) {
    orphan = *request.orphan_dependents;
    foreground = false;
  } else if (!request.propagation_policy.empty()) {
    orphan = request.propagation_policy == "Orphan";
    foreground = request.propagation_policy == "Foreground";
  }
  bool none = dependents == Dependents::kUnsupported;
  std::vector<std::string> names;
  for (std::string_view name : present) {
    if (name != kOrphan && name != kForeground) names.emplace_back(name);
  }
  if (orphan && !none) names.emplace_back(kOrphan);
  if (foreground && !none) names.emplace_back(kForeground);
  bool same = std::ranges::is_permutation(names, present);
  return same ? std::vector<std::string>(present.begin(), present.end()) : names;
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
  MicroTime deadline = 0;
};

// A running deletion may only be shortened, and not into the past: what was graceful stays so.
Grace shortened(const MetaView& meta, int64_t running, int64_t requested, MicroTime now) {
  MicroTime start = seconds_after(meta.deletion_timestamp(), -running);
  Grace grace{.graceful = true, .seconds = requested};
  grace.deadline = seconds_after(start, requested);
  if (grace.deadline >= now) return grace;
  grace.deadline = now;
  if (requested != 0) grace.seconds = 1;
  return grace;
}

// The grace period that holds, given what the object and the request say.
Grace grace_of(const Strategy& strategy, const Object& object, const MetaView& meta,
               std::optional<int64_t> requested, MicroTime now) {
  if (!strategy.grace_period) return {};
  if (requested && *requested < 0) requested = 1;
  if (meta.deleting()) {
    int64_t running = meta.deletion_grace_period().value_or(0);
    if (running == 0) return {};
    if (running < 0) running = 1;
    if (requested && *requested < running) return shortened(meta, running, *requested, now);
    return {.pending = true};
  }
  int64_t seconds = strategy.grace_period(object, requested.value_or(-1));
  if (seconds < 0) return {};
  return {.graceful = true, .seconds = seconds, .deadline = seconds_after(now, seconds)};
}

bool is_namespace(const schema::Resource& resource) {
  return resource.group.empty() && resource.resource == "namespaces";
}

bool has_spec_finalizers(const Object& object) {
  return schema::find_path(object.type(), object.root(), {"spec", "finalizers"}).as_node().size > 0;
}

// A namespace is emptied first: the first request only marks it, and until its own finalizers
// (spec.finalizers) are gone the next ones do nothing. Upstream:
// pkg/registry/core/namespace/storage.
DeletePlan plan_namespace_delete(const schema::Resource& resource, const Object& object,
                                 const DeleteRequest& request, MicroTime now) {
  MetaView meta(object);
  DeletePlan plan;
  plan.step = DeleteStep::kPending;
  if (meta.deleting()) return plan;
  Draft marked(object);
  MetaEdit edit(marked);
  edit.set_int("deletionTimestamp", whole_seconds(now));
  edit.set_finalizers(finalizers_after(resource, meta, request));
  core_v1::NamespaceEdit(marked).edit_status().set_phase("Terminating");
  plan.step = DeleteStep::kUpdate;
  plan.marked = std::move(marked);
  return plan;
}

}  // namespace

Result<DeletePlan> plan_delete(const schema::Resource& resource, const Strategy& strategy,
                               const Object& object, const DeleteRequest& request, MicroTime now) {
  MetaView meta(object);
  auto checked = check_delete_preconditions(resource, meta, request.preconditions);
  if (!checked) return checked.error();
  if (is_namespace(resource) && (!meta.deleting() || has_spec_finalizers(object))) {
    return plan_namespace_delete(resource, object, request, now);
  }
  Grace grace = grace_of(strategy, object, meta, request.grace_period_seconds, now);
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
    mark_deleted(marked, meta, grace.deadline, grace.seconds);
  } else if (!wanted.empty()) {
    mark_deleted(marked, meta, now, 0);
  }
  bool stays = !wanted.empty() || grace.seconds > 0;
  plan.step = stays ? DeleteStep::kUpdate : DeleteStep::kUpdateErase;
  plan.marked = std::move(marked);
  return plan;
}

Result<void> check_delete_preconditions(const schema::Resource& resource, const MetaView& meta,
                                        const Preconditions& wanted) {
  if (is_namespace(resource)) {
    std::string failed = failed_precondition(wanted, meta);
    if (failed.empty()) return {};
    return ApiStatus::conflict("", resource.resource, meta.name(), failed);
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

bool removed_by_update(const schema::Resource& resource, const Object& object, const Object& old) {
  MetaView before(old);
  if (!before.deleting() || !MetaView(object).finalizers().empty()) return false;
  if (is_namespace(resource) && has_spec_finalizers(object)) return false;
  return before.deletion_grace_period().value_or(0) == 0;
}

}  // namespace tiphys::apiserver
