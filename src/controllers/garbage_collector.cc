#include "controllers/garbage_collector.h"

#include "base/log.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

constexpr size_t kMaxAbsent = 500;
constexpr Duration kPatience = std::chrono::seconds(30);  // with caches at the start
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

// A merge patch of one list in the metadata; fails if the object has changed meanwhile.
std::string metadata_patch(const Object& object, std::string_view member, std::string list) {
  std::string text = "{\"metadata\":{\"resourceVersion\":";
  codec::append_json_string(resource_version_of(object), text);
  text += ",\"" + std::string(member) + "\":" + (list.empty() ? "null" : "[" + list + "]") + "}}";
  return text;
}

std::string references_patch(const Object& object,
                             const std::function<bool(meta_v1::OwnerReferenceEdit)>& keep) {
  std::string list;
  Draft draft(object);
  auto references = edit_metadata(draft).edit_owner_references();
  for (size_t i = 0; i < references.size(); ++i) {
    if (!keep(references[i])) continue;
    if (!list.empty()) list += ",";
    codec::encode_json(meta_v1::OwnerReference::message(), references[i].view().node(), list);
  }
  return metadata_patch(object, "ownerReferences", std::move(list));
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
    : Controller(context, "garbage-collector-controller") {
  context.served.add_listener(
      [this](const schema::Resource& resource, bool served) { follow(resource, served); });
  context.served.add_failure_listener([this] { context_.metrics.collector_errors.get().add(); });
}

void GarbageCollector::follow(const schema::Resource& resource, bool served) {
  auto [place, added] = positions_.emplace(&resource, watched_.size());
  if (!added) {
    watched_[place->second].served = served;
    // It may have been suspended.
    if (served) context_.informers.informer(resource);
    return;
  }
  client::Informer& informer = context_.informers.informer(resource);
  watched_.push_back({&resource, &informer});
  informer.add_index(std::string(kByOwner), owner_uids);
  informer.add_handler([this, i = place->second](const ObjectPtr& old, const ObjectPtr& now) {
    changed(i, old, now);
  });
}

// A resource whose objects can't be listed must not keep the collector from starting.
Task<void> GarbageCollector::prepare(StopToken stop) {
  bool known = co_await context_.served.known(stop);
  if (!known) co_return;
  StopSource patience(stop);
  auto timer = context_.loop.call_after(kPatience, [&patience] { patience.request_stop(); });
  for (size_t i = 0; i < watched_.size(); ++i) {
    (void)co_await watched_[i].informer->wait_for_sync(patience.token());
  }
  bool late = patience.token().stop_requested() && !stop.stop_requested();
  if (late) context_.metrics.collector_errors.get().add();
  context_.loop.cancel(timer);
}

void GarbageCollector::enqueue_object(size_t resource, const Object& object) {
  enqueue(std::to_string(resource) + " " + client::object_key(object));
}

std::vector<GarbageCollector::Found> GarbageCollector::dependents(std::string_view uid) const {
  std::vector<Found> result;
  for (const Watched& watched : watched_) {
    if (!watched.served) continue;
    for (ObjectPtr& object : watched.informer->by_index(kByOwner, uid)) {
      result.push_back({watched.resource, std::move(object)});
    }
  }
  return result;
}

void GarbageCollector::enqueue_dependents(std::string_view uid) {
  for (size_t i = 0; i < watched_.size(); ++i) {
    if (!watched_[i].served) continue;
    for (const ObjectPtr& object : watched_[i].informer->by_index(kByOwner, uid)) {
      enqueue_object(i, *object);
    }
  }
}

// Whatever version an owner reference names, the objects are the same.
std::optional<size_t> GarbageCollector::place_of(const meta_v1::OwnerReference& owner) const {
  const schema::Resource* resource =
      context_.served.of_kind(group_of(owner.api_version()), owner.kind());
  auto found = positions_.find(resource);
  if (found == positions_.end() || !watched_[found->second].served) return std::nullopt;
  return found->second;
}

ObjectPtr GarbageCollector::cached_owner(const Object& object,
                                         const meta_v1::OwnerReference& owner) const {
  std::optional<size_t> place = place_of(owner);
  if (!place) return nullptr;
  const Watched& watched = watched_[*place];
  std::string_view ns = watched.resource->namespaced ? namespace_of(object) : "";
  ObjectPtr found = watched.informer->get(ns, owner.name());
  return found && uid_of(*found) == owner.uid() ? found : nullptr;
}

void GarbageCollector::enqueue_waiting_owners(const Object& object) {
  for (meta_v1::OwnerReference owner : metadata(object).owner_references()) {
    ObjectPtr found = cached_owner(object, owner);
    if (found && waits_for_dependents(*found)) enqueue_object(*place_of(owner), *found);
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
  Found item{watched_[index].resource, watched_[index].informer->get(ns, name)};
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

void GarbageCollector::refuse_foreign_owner(const Found& item, const Owner& owner) {
  std::string ns(namespace_of(*item.object));
  std::string message = "ownerRef [" + owner.api_version + "/" + owner.kind + ", namespace: " + ns +
                        ", name: " + owner.name + ", uid: " + owner.uid +
                        "] does not exist in namespace \"" + ns + "\"";
  Draft named(*item.object);
  if (item.resource->type) named.set_gvk(&item.resource->type->gvk);
  context_.events.record(*named.freeze(), "Warning", "OwnerRefInvalidNamespace", message, {},
                         event_source_);
}

void GarbageCollector::refuse_if_foreign(const Found& item, const Owner& owner,
                                         const schema::Resource& resource) {
  auto place = positions_.find(&resource);
  if (place == positions_.end() || !resource.namespaced) return;
  for (const ObjectPtr& other : watched_[place->second].informer->list()) {
    if (uid_of(*other) == owner.uid) refuse_foreign_owner(item, owner);
  }
}

Task<Result<GarbageCollector::OwnerState>> GarbageCollector::look_up(Found item, Owner owner) {
  const schema::Resource* resource =
      context_.served.of_kind(group_of(owner.api_version), owner.kind);
  if (!resource) {
    co_return ApiStatus::internal("no matches for kind " + go_quote(owner.kind) + " in version " +
                                  go_quote(owner.api_version));
  }
  std::string ns(namespace_of(*item.object));
  if (resource->namespaced && ns.empty()) {
    // A cluster-scoped object can't have such an owner: leave it alone.
    refuse_foreign_owner(item, owner);
    co_return OwnerState::kSolid;
  }
  // A cluster-scoped owner is the same one from every namespace.
  std::pair<std::string, Owner> named(resource->namespaced ? ns : "", owner);
  if (absent_.contains(named)) co_return OwnerState::kGone;
  Result<ObjectPtr> found = co_await context_.client.get(*resource, named.first, owner.name);
  if (!found && !says_absent(found.error(), owner.name)) co_return found.error();
  if (found && *found && uid_of(**found) == owner.uid) {
    co_return waits_for_dependents(**found) ? OwnerState::kWaiting : OwnerState::kSolid;
  }
  if (absent_.size() >= kMaxAbsent) absent_.clear();
  absent_.insert(std::move(named));
  refuse_if_foreign(item, owner, *resource);
  co_return OwnerState::kGone;
}

Task<Result<void>> GarbageCollector::classify(Found item, Owners* owners) {
  auto references = metadata(*item.object).owner_references();
  for (size_t i = 0; i < references.size(); ++i) {
    meta_v1::OwnerReference reference = references[i];
    Owner owner{std::string(reference.api_version()), std::string(reference.kind()),
                std::string(reference.name()), std::string(reference.uid())};
    ObjectPtr cached = cached_owner(*item.object, reference);
    OwnerState state = OwnerState::kSolid;
    if (cached) {
      if (waits_for_dependents(*cached)) state = OwnerState::kWaiting;
    } else {
      Result<OwnerState> asked = co_await look_up(item, owner);
      if (!asked) co_return asked.error();
      state = *asked;
    }
    auto& list = state == OwnerState::kSolid     ? owners->solid
                 : state == OwnerState::kWaiting ? owners->waiting
                                                 : owners->gone;
    list.push_back(std::move(owner.uid));
  }
  co_return Result<void>();
}

Task<Result<void>> GarbageCollector::patch(Found item, std::string patch) {
  Result<ObjectPtr> patched = co_await context_.client.patch(
      *item.resource, std::string(namespace_of(*item.object)), std::string(name_of(*item.object)),
      client::PatchType::kMerge, std::move(patch));
  if (!patched) co_return patched.error();
  co_return Result<void>();
}

Task<Result<void>> GarbageCollector::drop_owners(Found item, std::vector<std::string> uids) {
  std::string text = references_patch(*item.object, [&uids](meta_v1::OwnerReferenceEdit owner) {
    return !contains(uids, owner.view().uid());
  });
  return patch(std::move(item), std::move(text));
}

Task<Result<void>> GarbageCollector::drop_finalizer(Found item, std::string finalizer) {
  Result<ObjectPtr> live = co_await context_.client.get(
      *item.resource, std::string(namespace_of(*item.object)), std::string(name_of(*item.object)));
  if (!live) co_return live.error();
  if (uid_of(**live) != uid_of(*item.object)) co_return Result<void>();
  std::string list;
  for (std::string_view one : metadata(**live).finalizers()) {
    if (one == finalizer) continue;
    if (!list.empty()) list += ",";
    codec::append_json_string(one, list);
  }
  Found found{item.resource, *live};
  Result<void> done = co_await patch(found, metadata_patch(**live, "finalizers", std::move(list)));
  co_return done;
}

Task<Result<void>> GarbageCollector::orphan_dependents(Found item) {
  bool all_known = std::ranges::all_of(
      watched_, [](const Watched& one) { return !one.served || one.informer->synced(); });
  if (!all_known) co_return ApiStatus::internal("not all resources could be listed yet");
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
  bool changed = false;
  std::string text = references_patch(*item.object, [&changed](meta_v1::OwnerReferenceEdit owner) {
    changed = changed || owner.view().block_owner_deletion();
    owner.set_block_owner_deletion(false);
    return true;
  });
  if (!changed) co_return Result<void>();
  Result<void> done = co_await patch(item, std::move(text));
  co_return done;
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
  Result<void> known = co_await classify(item, &owners);
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
