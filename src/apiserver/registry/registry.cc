#include "apiserver/registry/registry.h"

#include <set>

#include "apiserver/cacher/pending_object.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/registry/conversion.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/gated_fields.h"
#include "apiserver/registry/graceful_delete.h"
#include "apiserver/registry/kind_rules.h"
#include "apiserver/registry/meta.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/owner_references.h"
#include "apiserver/registry/preconditions.h"
#include "apiserver/registry/service_transition.h"
#include "apiserver/registry/status_rules.h"
#include "apiserver/registry/storable.h"
#include "apiserver/validation/rules.h"
#include "apiserver/warnings/object_warnings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kModified =
    "the object has been modified; please apply your changes to the latest version and try again";
constexpr size_t kMaxGeneratedBase = 63 - 5;  // upstream's maxGeneratedNameLength

ApiStatus not_found(const WriteScope& scope) {
  return ApiStatus::not_found(scope.resource->group, scope.resource->resource, scope.name);
}

ApiStatus conflict(const WriteScope& scope, std::string_view why) {
  return ApiStatus::conflict(scope.resource->group, scope.resource->resource, scope.name, why);
}

// Upstream's aggregate names each error once; the causes list them all.
ApiStatus invalid_object(const WriteScope& scope, FieldErrors& errors) {
  std::vector<StatusCause> causes = errors.take();
  std::vector<StatusCause> unique;
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const StatusCause& cause : causes) {
    if (seen.emplace(cause.field, cause.message).second) unique.push_back(cause);
  }
  // The group of the type that was checked: events are the core group's, whoever serves them.
  ApiStatus::Data data = ApiStatus::invalid(storage_gvk(*scope.resource).group,
                                            scope.resource->kind, scope.name, std::move(unique))
                             .data();
  data.details.causes = std::move(causes);
  return ApiStatus(std::move(data));
}

bool same_content(const Draft& a, const Object& b) {
  Node left = a.root();
  Node right = b.root();
  return equal(Value::of_node(ValueType::kStruct, &left),
               Value::of_node(ValueType::kStruct, &right));
}

bool is_service(const WriteScope& scope) {
  return scope.resource->group.empty() && scope.resource->resource == "services";
}

// Whether a failed transaction failed on another key than the object's own, its first.
bool own_key_held(const storage::TxnResult& result, int64_t expected) {
  return (result.current[0] ? result.current[0]->mod_revision : 0) == expected;
}

}  // namespace

Cacher& Registry::cacher(const schema::Resource& resource) const {
  return *parts_.hub->find(resource);
}

Result<ObjectPtr> Registry::get(const schema::Resource& resource, std::string_view ns,
                                std::string_view name) const {
  Cacher& cache = cacher(resource);
  ObjectPtr object = cache.get(ns, name);
  if (object) return from_storage_version(resource, std::move(object));
  if (auto problem = cache.problem(ns, name)) return *problem;
  return ApiStatus::not_found(resource.group, resource.resource, name);
}

StrategyContext Registry::strategy_context(const WriteScope& scope) const {
  StrategyContext context;
  context.resource = scope.resource;
  context.subresource = scope.subresource;
  context.user = scope.user;
  context.lookup = &parts_.hub->lookup();
  context.now = now();
  context.warnings = scope.warnings;
  return context;
}

Task<Result<void>> Registry::admit(const WriteScope& scope, AdmissionRequest::Operation operation,
                                   Draft* object, ObjectPtr old_object, bool mutating) {
  if (scope.skip_admission) co_return Result<void>();
  AdmissionRequest request;
  request.operation = operation;
  request.resource = scope.resource;
  request.subresource = scope.subresource;
  request.ns = scope.ns;
  request.name = scope.name;
  request.user = scope.user;
  request.object = object;
  request.old_object = std::move(old_object);
  request.options = scope.options;
  request.dry_run = scope.dry_run;
  request.now = now();
  request.warnings = scope.warnings;
  request.audit_annotations = scope.audit_annotations;
  for (const auto& plugin : *parts_.admission) {
    Result<void> verdict =
        mutating ? co_await plugin->mutate(request) : co_await plugin->validate(request);
    if (!verdict) co_return verdict.error();
  }
  co_return Result<void>();
}

Task<Result<void>> Registry::admit_create(WriteScope scope, Draft* object) {
  constexpr auto kCreate = AdmissionRequest::Operation::kCreate;
  Result<void> mutated = co_await admit(scope, kCreate, object, nullptr, true);
  if (!mutated) co_return mutated.error();
  co_return co_await admit(scope, kCreate, object, nullptr, false);
}

Task<Result<void>> Registry::admit_connect(WriteScope scope) {
  constexpr auto kConnect = AdmissionRequest::Operation::kConnect;
  Result<void> mutated = co_await admit(scope, kConnect, nullptr, nullptr, true);
  if (!mutated) co_return mutated.error();
  co_return co_await admit(scope, kConnect, nullptr, nullptr, false);
}

// Stores the object under the key if its mod revision is `expected`. False: it is not.
Task<Result<bool>> Registry::commit(const WriteScope& scope, std::string key, int64_t expected,
                                    Draft object, const Object* old, ObjectPtr* stored) {
  storage::Txn txn;
  txn.compares.push_back({key, expected});
  if (parts_.addresses && is_service(scope)) {
    parts_.addresses->join(txn, &object.root(), old ? &old->root() : nullptr);
  }
  ObjectPut put = make_put(*scope.resource, std::move(key), std::move(object));
  txn.puts.push_back(std::move(put.put));
  Result<storage::TxnResult> result = co_await parts_.store->txn(std::move(txn));
  if (!result) co_return result.error();
  if (!result->succeeded && own_key_held(*result, expected)) {
    co_return ApiStatus::internal("failed to allocate a serviceIP: it was taken meanwhile");
  }
  if (!result->succeeded) co_return false;
  bool seen = co_await cacher(*scope.resource).wait_for(result->revision, std::chrono::seconds(3));
  (void)seen;
  *stored = from_storage_version(*scope.resource, put.pending->stamp(result->revision));
  co_return true;
}

Task<Result<bool>> Registry::erase(const WriteScope& scope, std::string key, int64_t expected,
                                   const Object& old, ObjectPtr* object) {
  storage::Txn txn;
  txn.compares.push_back({key, expected});
  txn.deletes.push_back({std::move(key)});
  if (parts_.addresses && is_service(scope)) parts_.addresses->join(txn, nullptr, &old.root());
  Result<storage::TxnResult> result = co_await parts_.store->txn(std::move(txn));
  if (!result) co_return result.error();
  if (!result->succeeded) co_return false;
  bool seen = co_await cacher(*scope.resource).wait_for(result->revision, std::chrono::seconds(3));
  (void)seen;
  if (object && *object) *object = with_resource_version(**object, result->revision);
  co_return true;
}

// ---- create ----

Task<Result<Written>> Registry::create(WriteScope scope, Draft object) {
  bool generated = MetaView(object).name().empty() && !MetaView(object).generate_name().empty();
  if (!generated) co_return co_await create_once(std::move(scope), std::move(object));
  for (int attempt = 1;; ++attempt) {
    Draft again = object.clone();
    Result<Written> written = co_await create_once(scope, std::move(object));
    if (written || !written.error().is_already_exists() || attempt == kMaxNameAttempts) {
      co_return written;
    }
    object = std::move(again);
  }
}

Task<Result<Written>> Registry::create_once(WriteScope scope, Draft object) {
  std::string version(MetaView(object).resource_version());
  MetaEdit(object).clear("resourceVersion");
  Result<void> admitted =
      co_await admit(scope, AdmissionRequest::Operation::kCreate, &object, nullptr, true);
  if (!admitted) co_return admitted.error();
  merge_owner_references(object, scope.warnings, true);
  apply_defaults(*scope.resource, object);
  Draft stored = to_storage_version(*scope.resource, std::move(object));
  std::string generate_name(MetaView(stored).generate_name());
  identify_new_object(scope, stored);
  scope.name = MetaView(stored).name();
  Result<ServiceAllocator::Reservation> held = prepare_create(scope, stored);
  if (!held) co_return held.error();
  Result<void> valid = before_create(scope, stored);
  if (!valid) co_return valid.error();
  Result<void> allowed =
      co_await admit(scope, AdmissionRequest::Operation::kCreate, &stored, nullptr, false);
  if (!allowed) co_return allowed.error();
  Written written;
  written.created = true;
  if (scope.dry_run) {
    if (cacher(*scope.resource).get(scope.ns, scope.name)) {
      co_return already_exists(scope, generate_name);
    }
    written.object = from_storage_version(*scope.resource, stored.freeze());
    co_return written;
  }
  // Said by upstream's storage, so not in a dry run.
  if (!version.empty() && version != "0") {
    co_return ApiStatus(500, "", "resourceVersion should not be set on objects to be created");
  }
  make_storable(stored);
  std::string key = store_key(*scope.resource, scope.ns, scope.name);
  Result<bool> done =
      co_await commit(scope, std::move(key), 0, std::move(stored), nullptr, &written.object);
  if (!done) co_return done.error();
  if (!*done) co_return already_exists(scope, generate_name);
  co_return written;
}

// What the server gives to each new object: a time, a UID, and a name if it has none.
void Registry::identify_new_object(const WriteScope& scope, Draft& object) {
  MetaEdit edit(object);
  edit.set_int("creationTimestamp", now() - now() % kMicrosPerSecond);
  edit.set_text("uid", parts_.random->uuid());
  edit.clear("deletionTimestamp");
  edit.clear("deletionGracePeriodSeconds");
  MetaView meta(object);
  if (!meta.name().empty()) return;
  std::string base(meta.generate_name().substr(0, kMaxGeneratedBase));
  if (!base.empty()) {
    edit.set_text("name", base + parts_.random->name_suffix());
  } else if (kind_rules(*scope.resource).names_itself) {
    edit.set_text("name", parts_.random->uuid());
  }
}

Result<ServiceAllocator::Reservation> Registry::prepare_create(const WriteScope& scope,
                                                               Draft& object) {
  const Strategy& strategy = find_strategy(scope.resource->group, scope.resource->resource);
  prepare_new_object(*scope.resource, object);
  drop_gated_fields(*scope.resource, object, nullptr);
  if (strategy.prepare_for_create) strategy.prepare_for_create(strategy_context(scope), object);
  if (!parts_.allocator || !is_service(scope)) return ServiceAllocator::Reservation();
  return parts_.allocator->allocate(object, nullptr);
}

ApiStatus Registry::already_exists(const WriteScope& scope, std::string_view generate_name) const {
  const schema::Resource& resource = *scope.resource;
  ApiStatus::Data data =
      ApiStatus::already_exists(resource.group, resource.resource, scope.name).data();
  if (!generate_name.empty()) {
    data.message += ", the server was not able to generate a unique name for the object";
    data.details.retry_after_seconds = 1;
  }
  ObjectPtr there = cacher(resource).get(scope.ns, scope.name);
  if (there && MetaView(*there).deleting()) {
    data.message = "object is being deleted: " + data.message;
  }
  return ApiStatus(std::move(data));
}

Result<void> Registry::before_create(const WriteScope& scope, Draft& object) {
  const Strategy& strategy = find_strategy(scope.resource->group, scope.resource->resource);
  StrategyContext context = strategy_context(scope);
  FieldErrors errors;
  ObjectPtr frozen = object.freeze();
  if (strategy.validate_first) strategy.validate_first(context, *frozen, nullptr, errors);
  validate_object_meta(*scope.resource, MetaView(object), errors);
  if (!scope.skip_rules) validate_rules({*frozen}, false, errors);
  if (strategy.validate) strategy.validate(context, *frozen, errors);
  if (!errors.empty()) {
    return invalid_object(scope, errors);
  }
  if (scope.warnings) warn_of_object(*scope.resource, *frozen, nullptr, *scope.warnings);
  return {};
}

// ---- update ----

Task<Result<Written>> Registry::update(WriteScope scope, Preconditions preconditions,
                                       Transform transform) {
  for (int attempt = 0; attempt < kMaxConflictAttempts; ++attempt) {
    Result<ObjectPtr> current = get(*scope.resource, scope.ns, scope.name);
    if (!current && !current.error().is_not_found()) co_return current.error();
    bool retry = false;
    if (!current) {
      Draft nothing(*scope.resource->type->message, &scope.resource->type->gvk);
      Result<void> met = check_preconditions(scope, preconditions, MetaView(nothing));
      if (!met) co_return met.error();
      bool may_create = scope.subresource.empty() && kind_rules(*scope.resource).put_creates;
      if (!may_create) co_return not_found(scope);
      Result<Draft> fresh = co_await transform(nullptr);
      if (!fresh) co_return fresh.error();
      Result<Written> written = co_await create_once(scope, std::move(*fresh));
      retry = !written && written.error().is_already_exists();
      if (!retry) co_return written;
      continue;
    }
    Result<Written> written =
        co_await update_once(scope, preconditions, transform, std::move(*current), &retry);
    if (!retry) co_return written;
  }
  co_return conflict(scope, kModified);
}

Task<Result<Written>> Registry::update_once(WriteScope scope, Preconditions preconditions,
                                            const Transform& transform, ObjectPtr current,
                                            bool* retry) {
  MetaView before(*current);
  Result<void> met = check_preconditions(scope, preconditions, before);
  if (!met) co_return met.error();
  Result<Draft> changed = co_await transform(current);
  if (!changed) co_return changed.error();
  Result<void> admitted =
      co_await admit(scope, AdmissionRequest::Operation::kUpdate, &*changed, current, true);
  if (!admitted) co_return admitted.error();
  merge_owner_references(*changed, scope.warnings, true);
  apply_defaults(*scope.resource, *changed);
  Result<void> meant = check_version(scope, *changed, before);
  if (!meant) co_return meant.error();
  ObjectPtr old = cacher(*scope.resource).get(scope.ns, scope.name);
  if (!old || MetaView(*old).resource_version() != before.resource_version()) {
    // It changed while admission was waiting. An update that is for a revision will fail then; a
    // patch is made of what is there now.
    *retry = true;
    co_return conflict(scope, kModified);
  }
  Draft object = to_storage_version(*scope.resource, std::move(*changed));
  Result<ServiceAllocator::Reservation> held = prepare_update(scope, object, *old);
  if (!held) co_return held.error();
  Result<void> valid = before_update(scope, object, *old);
  if (!valid) co_return valid.error();
  keep_entry_times(object, *old);
  Result<void> allowed =
      co_await admit(scope, AdmissionRequest::Operation::kUpdate, &object, current, false);
  if (!allowed) co_return allowed.error();
  Written written;
  Result<bool> done =
      co_await store_update(scope, std::move(object), std::move(current), std::move(old), &written);
  if (!done) co_return done.error();
  if (*done) co_return written;
  *retry = true;
  co_return conflict(scope, kModified);
}

Result<void> Registry::check_preconditions(const WriteScope& scope,
                                           const Preconditions& preconditions,
                                           const MetaView& before) const {
  std::string failed = failed_precondition(preconditions, before);
  if (failed.empty()) return {};
  return conflict(scope, "StorageError: invalid object, Code: 4, Key: " +
                             store_key(*scope.resource, scope.ns, scope.name) +
                             ", ResourceVersion: 0, AdditionalErrorMsg: " + failed);
}

// Errors: the update has to name the revision that it is for; it names another one.
Result<void> Registry::check_version(const WriteScope& scope, const Draft& object,
                                     const MetaView& before) const {
  std::string_view version = MetaView(object).resource_version();
  if (version == "0") version = {};
  bool versioned = kind_rules(*scope.resource).versioned;
  if (version.empty() && versioned) {
    FieldErrors errors;
    errors.invalid_raw(FieldPath("metadata").child("resourceVersion"), "0",
                       "must be specified for an update");
    return ApiStatus::invalid(scope.resource->group, scope.resource->resource, scope.name,
                              errors.take());
  }
  if (!version.empty() && version != before.resource_version()) return conflict(scope, kModified);
  return {};
}

Result<ServiceAllocator::Reservation> Registry::prepare_update(const WriteScope& scope,
                                                               Draft& object, const Object& old) {
  const Strategy& strategy = find_strategy(scope.resource->group, scope.resource->resource);
  drop_gated_fields(*scope.resource, object, &old);
  prepare_changed_object(*scope.resource, scope.subresource, object, old);
  if (strategy.prepare_for_update) {
    strategy.prepare_for_update(strategy_context(scope), object, old);
  }
  bool allocates = parts_.allocator && is_service(scope) && scope.subresource.empty();
  if (!allocates) return ServiceAllocator::Reservation();
  keep_allocated_ports(object, old);
  drop_stale_service_fields(object, old);
  return parts_.allocator->allocate(object, &old);
}

// Stores what differs from `old`, of which `current` is the request's version; erases what an
// update finished. False: it is not the stored revision any more.
Task<Result<bool>> Registry::store_update(const WriteScope& scope, Draft object, ObjectPtr current,
                                          ObjectPtr old, Written* written) {
  MetaEdit(object).copy("resourceVersion", MetaView(*old));
  make_storable(object);
  if (same_content(object, *old)) {
    written->object = std::move(current);
    co_return true;
  }
  ObjectPtr frozen = object.freeze();
  written->deleted = removed_by_update(*scope.resource, *frozen, *old);
  std::string key = store_key(*scope.resource, scope.ns, scope.name);
  int64_t expected = parse_resource_version(MetaView(*old).resource_version()).value_or(0);
  if (scope.dry_run || written->deleted) {
    written->object = from_storage_version(*scope.resource, std::move(frozen));
    if (scope.dry_run) co_return true;
    co_return co_await erase(scope, std::move(key), expected, *old, nullptr);
  }
  frozen.reset();
  co_return co_await commit(scope, std::move(key), expected, std::move(object), old.get(),
                            &written->object);
}

Result<void> Registry::before_update(const WriteScope& scope, Draft& object, const Object& old) {
  const Strategy& strategy = find_strategy(scope.resource->group, scope.resource->resource);
  StrategyContext context = strategy_context(scope);
  context.updating = true;
  MetaView before(old);
  MetaEdit edit(object);
  if (MetaView(object).uid().empty()) edit.copy("uid", before);
  edit.copy("creationTimestamp", before);
  if (before.deleting()) edit.copy("deletionTimestamp", before);
  if (before.deletion_grace_period() && !MetaView(object).deletion_grace_period()) {
    edit.copy("deletionGracePeriodSeconds", before);
  }
  FieldErrors errors;
  ObjectPtr frozen = object.freeze();
  if (strategy.validate_first) strategy.validate_first(context, *frozen, &old, errors);
  validate_object_meta_update(*scope.resource, scope.subresource, MetaView(object), before, errors);
  bool status = scope.subresource == "status";
  bool whole = scope.subresource.empty();
  if (!scope.skip_rules && (whole || status)) {
    validate_rules({*frozen, &old}, !whole, errors);
  }
  if (strategy.validate_update) strategy.validate_update(context, *frozen, old, errors);
  if (!errors.empty()) {
    return invalid_object(scope, errors);
  }
  if (whole && scope.warnings) warn_of_object(*scope.resource, *frozen, &old, *scope.warnings);
  if (scope.subresource == "status" && scope.warnings) {
    warn_of_status(*scope.resource, *frozen, *scope.warnings);
  }
  return {};
}

// ---- delete ----

Task<Result<Written>> Registry::remove(WriteScope scope, DeleteRequest request) {
  const Strategy& strategy = find_strategy(scope.resource->group, scope.resource->resource);
  for (int attempt = 0; attempt < kMaxConflictAttempts; ++attempt) {
    Result<ObjectPtr> current = get(*scope.resource, scope.ns, scope.name);
    if (!current) co_return current.error();
    Result<void> admitted =
        co_await admit(scope, AdmissionRequest::Operation::kDelete, nullptr, *current, true);
    if (!admitted) co_return admitted.error();
    Result<void> allowed =
        co_await admit(scope, AdmissionRequest::Operation::kDelete, nullptr, *current, false);
    if (!allowed) co_return allowed.error();
    ObjectPtr old = cacher(*scope.resource).get(scope.ns, scope.name);
    if (!old) co_return not_found(scope);
    Result<DeletePlan> plan = plan_delete(*scope.resource, strategy, *old, request, now());
    if (!plan) co_return plan.error();
    Written written;
    written.object = from_storage_version(*scope.resource, old);
    if (plan->step == DeleteStep::kPending) co_return written;
    written.deleted = plan->step != DeleteStep::kUpdate;
    if (plan->marked) {
      written.object = from_storage_version(*scope.resource, plan->marked->freeze());
    }
    if (scope.dry_run) co_return written;
    std::string key = store_key(*scope.resource, scope.ns, scope.name);
    int64_t expected = parse_resource_version(MetaView(*old).resource_version()).value_or(0);
    Result<bool> done = false;
    if (written.deleted) {
      bool marked = plan->step == DeleteStep::kUpdateErase;
      done =
          co_await erase(scope, std::move(key), expected, *old, marked ? &written.object : nullptr);
    } else {
      done = co_await commit(scope, std::move(key), expected, std::move(*plan->marked), old.get(),
                             &written.object);
    }
    if (!done) co_return done.error();
    if (*done) co_return written;
  }
  co_return conflict(scope, kModified);
}

}  // namespace tiphys::apiserver
