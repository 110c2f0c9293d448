#include "controllers/garbage_collector.h"

#include "base/log.h"
#include "base/strings.h"
#include "controllers/resources.h"
#include "controllers/served.h"

namespace tiphys::controllers {

namespace {

constexpr size_t kMaxAbsent = 500;
constexpr std::string_view kByOwner = "owner";
constexpr std::string_view kForeground = "foregroundDeletion";
constexpr std::string_view kOrphan = "orphan";

std::vector<std::string> owner_uids(const Object& object) {
  std::vector<std::string> uids;
  for (meta_v1::OwnerReference owner : metadata(object).owner_references()) {
    uids.emplace_back(owner.uid());
  }
  return uids;
}

bool waits_for_dependents(const Object& object) {
  return is_deleting(object) && has_finalizer(object, kForeground);
}

// The resource of "apps/v1", "ReplicaSet"; null: none is served.
const schema::Resource* resource_of(std::string_view api_version, std::string_view kind) {
  size_t slash = api_version.find('/');
  bool core = slash == std::string_view::npos;
  return schema::find_resource_of_kind(core ? "" : api_version.substr(0, slash),
                                       core ? api_version : api_version.substr(slash + 1), kind);
}

// The server looked for the object and it is not there, not: there is no such path.
bool says_absent(const ApiStatus& error, std::string_view name) {
  return error.is_not_found() && error.data().details.name == name;
}

bool contains(const std::vector<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

}  // namespace

GarbageCollector::GarbageCollector(Context context)
    : Controller(context, "garbage-collector-controller") {}

Task<void> GarbageCollector::prepare(StopToken stop) {
  resources_ = co_await served_resources(context_.loop, context_.client, stop);
  for (size_t i = 0; i < resources_.size(); ++i) {
    client::Informer& informer = watch(*resources_[i]);
    informers_.push_back(&informer);
    informer.add_index(std::string(kByOwner), owner_uids);
    informer.add_handler(
        [this, i](const ObjectPtr& old, const ObjectPtr& now) { changed(i, old, now); });
    // Whatever version an owner reference names, the objects are the same.
    for (const schema::Resource& version : schema::all_resources()) {
      bool same =
          version.group == resources_[i]->group && version.resource == resources_[i]->resource;
      if (same) positions_.emplace(&version, i);
    }
  }
}

void GarbageCollector::enqueue_object(size_t resource, const Object& object) {
  enqueue(std::to_string(resource) + " " + client::object_key(object));
}

std::vector<GarbageCollector::Found> GarbageCollector::dependents(std::string_view uid) const {
  std::vector<Found> result;
  for (size_t i = 0; i < informers_.size(); ++i) {
    for (ObjectPtr& object : informers_[i]->by_index(kByOwner, uid)) {
      result.push_back({resources_[i], std::move(object)});
    }
  }
  return result;
}

void GarbageCollector::enqueue_dependents(std::string_view uid) {
  for (size_t i = 0; i < informers_.size(); ++i) {
    for (const ObjectPtr& object : informers_[i]->by_index(kByOwner, uid)) {
      enqueue_object(i, *object);
    }
  }
}

ObjectPtr GarbageCollector::cached_owner(const Object& object,
                                         const meta_v1::OwnerReference& owner) const {
  const schema::Resource* resource = resource_of(owner.api_version(), owner.kind());
  auto watched = positions_.find(resource);
  if (watched == positions_.end()) return nullptr;
  std::string_view ns = resource->namespaced ? metadata(object).namespace_() : "";
  ObjectPtr found = informers_[watched->second]->get(ns, owner.name());
  return found && metadata(*found).uid() == owner.uid() ? found : nullptr;
}

void GarbageCollector::enqueue_waiting_owners(const Object& object) {
  for (meta_v1::OwnerReference owner : metadata(object).owner_references()) {
    ObjectPtr found = cached_owner(object, owner);
    if (!found || !waits_for_dependents(*found)) continue;
    enqueue_object(positions_.at(resource_of(owner.api_version(), owner.kind())), *found);
  }
}

void GarbageCollector::changed(size_t resource, const ObjectPtr& old, const ObjectPtr& now) {
  // An owner reference that went away may be what another object waited for.
  if (old) enqueue_waiting_owners(*old);
  if (!now) return enqueue_dependents(metadata(*old).uid());
  bool replaced = old && metadata(*old).uid() != metadata(*now).uid();
  if (replaced) enqueue_dependents(metadata(*old).uid());
  bool has_duty =
      is_deleting(*now) && (has_finalizer(*now, kForeground) || has_finalizer(*now, kOrphan));
  if (has_duty) return enqueue_object(resource, *now);
  for (meta_v1::OwnerReference owner : metadata(*now).owner_references()) {
    ObjectPtr found = cached_owner(*now, owner);
    if (!found || waits_for_dependents(*found)) return enqueue_object(resource, *now);
  }
}

Task<Result<void>> GarbageCollector::sync(std::string key) {
  size_t space = key.find(' ');
  auto index = static_cast<size_t>(parse_uint(key.substr(0, space)).value_or(0));
  auto [ns, name] = client::split_key(std::string_view(key).substr(space + 1));
  Found item{resources_[index], informers_[index]->get(ns, name)};
  if (!item.object) co_return Result<void>();
  bool deleting = is_deleting(*item.object);
  Result<void> done;
  if (deleting && has_finalizer(*item.object, kOrphan)) {
    done = co_await orphan_dependents(item);
  } else if (deleting && has_finalizer(*item.object, kForeground)) {
    done = co_await finish_foreground(item);
  } else if (!deleting && !metadata(*item.object).owner_references().empty()) {
    done = co_await collect(item);
  }
  // A newer state will come by the watch.
  if (!done && done.error().is_not_found()) co_return Result<void>();
  co_return done;
}

void GarbageCollector::refuse_foreign_owner(const Object& object, std::string_view api_version,
                                            std::string_view kind, std::string_view name,
                                            std::string_view uid) {
  std::string ns(metadata(object).namespace_());
  std::string message = "ownerRef [" + std::string(api_version) + "/" + std::string(kind) +
                        ", namespace: " + ns + ", name: " + std::string(name) +
                        ", uid: " + std::string(uid) + "] does not exist in namespace \"" + ns +
                        "\"";
  context_.events.record(object, "Warning", "OwnerRefInvalidNamespace", message, {}, event_source_);
}

Task<Result<GarbageCollector::OwnerState>> GarbageCollector::look_up(ObjectPtr object,
                                                                     std::string api_version,
                                                                     std::string kind,
                                                                     std::string name,
                                                                     std::string uid) {
  const schema::Resource* resource = resource_of(api_version, kind);
  if (!resource)
    co_return ApiStatus::internal("no matches for kind " + kind + " in " + api_version);
  std::string ns(metadata(*object).namespace_());
  if (resource->namespaced && ns.empty()) {
    // A cluster-scoped object can't have such an owner: leave it alone.
    refuse_foreign_owner(*object, api_version, kind, name, uid);
    co_return OwnerState::kSolid;
  }
  std::string absent_key = ns + "/" + uid;
  if (absent_.contains(absent_key)) co_return OwnerState::kGone;
  // Asked for in a version that is served: an unserved one is not found whatever exists.
  auto watched = positions_.find(resource);
  if (watched != positions_.end()) resource = resources_[watched->second];
  Result<ObjectPtr> owner =
      co_await context_.client.get(*resource, resource->namespaced ? ns : "", name);
  if (!owner && !says_absent(owner.error(), name)) co_return owner.error();
  if (owner && *owner && metadata(**owner).uid() == uid) {
    co_return waits_for_dependents(**owner) ? OwnerState::kWaiting : OwnerState::kSolid;
  }
  if (absent_.size() >= kMaxAbsent) absent_.clear();
  absent_.insert(absent_key);
  for (const client::Informer* informer : informers_) {
    if (informer->resource().resource != resource->resource || !resource->namespaced) continue;
    for (const ObjectPtr& other : informer->list()) {
      if (metadata(*other).uid() == uid)
        refuse_foreign_owner(*object, api_version, kind, name, uid);
    }
  }
  co_return OwnerState::kGone;
}

Task<Result<void>> GarbageCollector::classify(ObjectPtr object, Owners* owners) {
  auto references = metadata(*object).owner_references();
  for (size_t i = 0; i < references.size(); ++i) {
    meta_v1::OwnerReference owner = references[i];
    std::string uid(owner.uid());
    ObjectPtr cached = cached_owner(*object, owner);
    OwnerState state = OwnerState::kSolid;
    if (cached) {
      if (waits_for_dependents(*cached)) state = OwnerState::kWaiting;
    } else {
      Result<OwnerState> asked =
          co_await look_up(object, std::string(owner.api_version()), std::string(owner.kind()),
                           std::string(owner.name()), uid);
      if (!asked) co_return asked.error();
      state = *asked;
    }
    auto& list = state == OwnerState::kSolid     ? owners->solid
                 : state == OwnerState::kWaiting ? owners->waiting
                                                 : owners->gone;
    list.push_back(std::move(uid));
  }
  co_return Result<void>();
}

Task<Result<void>> GarbageCollector::drop_owners(Found item, std::vector<std::string> uids) {
  Draft draft(*item.object);
  meta_v1::ObjectMetaEdit meta = edit_metadata(draft);
  auto references = meta.edit_owner_references();
  for (size_t i = references.size(); i-- > 0;) {
    if (contains(uids, references[i].view().uid())) references.erase(i);
  }
  if (references.empty()) meta.clear_owner_references();
  Result<ObjectPtr> updated = co_await context_.client.update(*item.resource, draft.freeze());
  if (!updated) co_return updated.error();
  co_return Result<void>();
}

Task<Result<void>> GarbageCollector::drop_finalizer(Found item, std::string finalizer) {
  Result<ObjectPtr> live = co_await context_.client.get(
      *item.resource, std::string(namespace_of(*item.object)), std::string(name_of(*item.object)));
  if (!live) co_return live.error();
  if (uid_of(**live) != uid_of(*item.object)) co_return Result<void>();
  Draft draft(**live);
  meta_v1::ObjectMetaEdit meta = edit_metadata(draft);
  auto finalizers = meta.edit_finalizers();
  for (size_t i = finalizers.size(); i-- > 0;) {
    if (finalizers[i] == finalizer) finalizers.erase(i);
  }
  if (finalizers.empty()) meta.clear_finalizers();
  Result<ObjectPtr> updated = co_await context_.client.update(*item.resource, draft.freeze());
  if (!updated) co_return updated.error();
  co_return Result<void>();
}

Task<Result<void>> GarbageCollector::orphan_dependents(Found item) {
  std::string uid(uid_of(*item.object));
  std::vector<Found> all = dependents(uid);
  for (const Found& dependent : all) {
    Result<void> dropped = co_await drop_owners(dependent, {uid});
    if (!dropped && !dropped.error().is_not_found()) co_return dropped;
  }
  Result<void> done = co_await drop_finalizer(item, std::string(kOrphan));
  co_return done;
}

Task<Result<void>> GarbageCollector::finish_foreground(Found item) {
  std::string uid(uid_of(*item.object));
  bool blocked = false;
  for (const Found& dependent : dependents(uid)) {
    for (meta_v1::OwnerReference owner : metadata(*dependent.object).owner_references()) {
      if (owner.uid() == uid && owner.block_owner_deletion()) blocked = true;
    }
  }
  if (blocked) {
    enqueue_dependents(uid);
    co_return Result<void>();
  }
  Result<void> done = co_await drop_finalizer(item, std::string(kForeground));
  co_return done;
}

// Two objects that own each other must not wait for each other.
Task<Result<void>> GarbageCollector::unblock_cycles(Found item) {
  std::string uid(uid_of(*item.object));
  bool cycle = false;
  for (const Found& dependent : dependents(uid)) {
    cycle = cycle || waits_for_dependents(*dependent.object);
  }
  if (!cycle) co_return Result<void>();
  Draft draft(*item.object);
  auto references = edit_metadata(draft).edit_owner_references();
  bool changed = false;
  for (size_t i = 0; i < references.size(); ++i) {
    changed = changed || references[i].view().block_owner_deletion();
    references[i].set_block_owner_deletion(false);
  }
  if (!changed) co_return Result<void>();
  Result<ObjectPtr> updated = co_await context_.client.update(*item.resource, draft.freeze());
  if (!updated) co_return updated.error();
  co_return Result<void>();
}

Task<Result<void>> GarbageCollector::remove(Found item, std::string policy) {
  client::DeleteOptions options;
  options.uid = uid_of(*item.object);
  options.propagation_policy = std::move(policy);
  Result<ObjectPtr> removed =
      co_await context_.client.remove(*item.resource, std::string(namespace_of(*item.object)),
                                      std::string(name_of(*item.object)), std::move(options));
  if (!removed) co_return removed.error();
  LOG_V(2, "Deleted item", {"item", client::object_key(*item.object)},
        {"kind", item.resource->kind});
  co_return Result<void>();
}

Task<Result<void>> GarbageCollector::collect(Found item) {
  Owners owners;
  Result<void> known = co_await classify(item.object, &owners);
  if (!known) co_return known;
  if (!owners.solid.empty()) {
    std::vector<std::string> drop = owners.gone;
    drop.insert(drop.end(), owners.waiting.begin(), owners.waiting.end());
    if (drop.empty()) co_return Result<void>();
    Result<void> dropped = co_await drop_owners(item, std::move(drop));
    co_return dropped;
  }
  // What the cache says must still hold: it may have got another owner meanwhile.
  Result<ObjectPtr> live = co_await context_.client.get(
      *item.resource, std::string(namespace_of(*item.object)), std::string(name_of(*item.object)));
  if (!live) co_return live.error();
  if (resource_version_of(**live) != resource_version_of(*item.object)) {
    bool same_owners = owner_uids(**live) == owner_uids(*item.object);
    bool same_object = uid_of(**live) == uid_of(*item.object);
    if (!same_object) co_return Result<void>();
    if (!same_owners)
      co_return ApiStatus::conflict(item.resource->group, item.resource->resource,
                                    name_of(*item.object), "owners changed");
  }
  bool has_dependents = !dependents(uid_of(*item.object)).empty();
  std::string policy = "Background";
  if (has_finalizer(**live, kOrphan)) {
    policy = "Orphan";
  } else if (has_finalizer(**live, kForeground)) {
    policy = "Foreground";
  }
  if (!owners.waiting.empty() && has_dependents) {
    Result<void> unblocked = co_await unblock_cycles(item);
    if (!unblocked) co_return unblocked;
    policy = "Foreground";
  }
  Result<void> removed = co_await remove(item, std::move(policy));
  co_return removed;
}

}  // namespace tiphys::controllers
