#include "apiserver/cacher/resource_cache.h"

#include "apiserver/cacher/cacher_hub.h"
#include "apiserver/cacher/pending_object.h"
#include "base/log.h"

namespace tiphys::apiserver {

namespace {

std::string key_of(std::string_view ns, std::string_view name) {
  std::string key(ns);
  if (!ns.empty()) key += '/';
  return key.append(name);
}

// Adds metadata.annotations["k8s.io/initial-events-end"] = "true".
void annotate_end(Draft& draft) {
  const schema::Message& type = draft.type();
  auto index = static_cast<uint16_t>(type.metadata_field);
  const schema::Message& metadata = *type.fields[index].message;
  const schema::Field* field = metadata.find("annotations");
  if (!field) return;
  Node& node = ensure_node(draft.arena(), draft.root(), index, ValueType::kStruct);
  Node& annotations = ensure_node(draft.arena(), node, metadata.index_of(*field), ValueType::kMap);
  set_entry(draft.arena(), annotations, "k8s.io/initial-events-end", draft.arena().string("true"));
}

}  // namespace

ResourceCache::ResourceCache(Loop& loop, storage::Store& store, CacheHost& host,
                             const schema::Resource& resource)
    : loop_(loop),
      store_(store),
      host_(host),
      resource_(resource),
      prefix_(std::string(resource.etcd_prefix) + "/") {}

ResourceCache::~ResourceCache() {
  for (auto* watcher : watchers_) watcher->detach();
}

Revision ResourceCache::revision() const {
  return ready_ ? std::max(loaded_revision_, host_.hub_revision()) : 0;
}

ObjectPtr ResourceCache::get(std::string_view ns, std::string_view name) const {
  const ObjectPtr* object = objects_.find(key_of(ns, name));
  if (object == nullptr) return nullptr;
  encodings_ = true;
  host_.encodings_used();
  return *object;
}

std::optional<ApiStatus> ResourceCache::problem(std::string_view ns, std::string_view name) const {
  if (problems_.empty()) return std::nullopt;
  auto it = problems_.find(key_of(ns, name));
  return it == problems_.end() ? std::nullopt : std::optional<ApiStatus>(it->second);
}

Task<bool> ResourceCache::wait_for(Revision wanted, Duration timeout) {
  if (ready_ && revision() >= wanted) co_return true;
  co_return co_await host_.wait_for_revision(wanted, timeout);
}

void ResourceCache::on_change(ChangeHandler handler) {
  handlers_.push_back(std::move(handler));
  if (!ready_) return;
  Objects objects = objects_.ordered();  // the handler may look at the cache
  ChangeHandler added = handlers_.back();
  for (auto& [key, object] : objects) added(nullptr, object);
}

// ---- fed by the hub ----

std::string_view ResourceCache::relative(std::string_view key) const {
  return key.substr(prefix_.size());
}

ObjectPtr ResourceCache::decode(const std::string& key, const storage::KeyValue& item) {
  if (item.attachment) {
    auto pending = std::static_pointer_cast<const PendingObject>(item.attachment);
    problems_.erase(key);
    return pending->stamp(item.mod_revision);
  }
  auto object = decode_stored(resource_, item);
  if (object) {
    problems_.erase(key);
    return *object;
  }
  LOG_ERROR("Stored object can't be decoded", {"err", object.error()});
  problems_.insert_or_assign(key, object.error());
  return nullptr;
}

void ResourceCache::load(const storage::KeyValue& item) {
  std::string key(relative(item.key));
  if (auto object = decode(key, item)) loading_.put(key, std::move(object));
}

void ResourceCache::loaded(Revision revision) {
  ready_ = following_ = true;
  loaded_revision_ = revision;
  window_.reset(revision);
  auto old = std::exchange(objects_, std::exchange(loading_, {}));
  tell_difference(old.ordered());
  for (auto& event : std::exchange(early_, {})) apply(event);
}

void ResourceCache::tell_difference(const Objects& old) {
  if (handlers_.empty()) return;
  Objects now = objects_.ordered();
  auto tell = [this](const ObjectPtr& before, const ObjectPtr& after) {
    for (size_t i = 0; i < handlers_.size(); ++i) handlers_[i](before, after);
  };
  for (auto& [key, object] : old) {
    if (!now.contains(key)) tell(object, nullptr);
  }
  for (auto& [key, object] : now) {
    auto before = old.find(key);
    tell(before == old.end() ? nullptr : before->second, object);
  }
}

void ResourceCache::reload() {
  end_watchers();
  following_ = false;
  loading_.clear();
  problems_.clear();
  early_.clear();
}

void ResourceCache::apply(const storage::Event& event) {
  if (!following_) {
    early_.push_back(event);
    return;
  }
  if (event.item.mod_revision <= loaded_revision_) return;
  std::string key(relative(event.item.key));
  bool deleted = event.type == storage::Event::Type::kDelete;
  if (deleted) problems_.erase(key);
  ObjectPtr now = deleted ? nullptr : decode(key, event.item);
  change(std::move(key), std::move(now), event.item.mod_revision);
}

void ResourceCache::change(std::string key, ObjectPtr now, Revision revision) {
  ObjectPtr* present = objects_.find(key);
  ObjectPtr before = present == nullptr ? nullptr : *present;
  if (!before && !now) return;
  if (!now) {
    objects_.erase(key);
  } else if (present != nullptr) {
    *present = now;
  } else {
    objects_.put(key, now);
  }
  auto event = std::make_shared<CacheEvent>();
  event->key = std::move(key);
  event->object = now;
  event->previous = before;
  event->revision = revision;
  event->at = loop_.mono();
  CacheEventPtr shared = std::move(event);
  window_.add(shared);
  if (!watchers_.empty()) {
    encodings_ = true;
    host_.encodings_used();
  }
  for (auto* watcher : watchers_) watcher->offer(shared);
  for (size_t i = 0; i < handlers_.size(); ++i) handlers_[i](before, now);
}

void ResourceCache::drop_encodings() {
  if (!std::exchange(encodings_, false)) return;
  window_.drop_encodings();
  for (auto& [key, object] : objects_.ordered()) {
    object->encoding_slot(0).reset();
    object->encoding_slot(1).reset();
  }
}

// ---- watches ----

Result<std::unique_ptr<CacheWatcher>> ResourceCache::watch(WatchOptions options) {
  if (!ready_) return ApiStatus::too_many_requests("storage is (re)initializing", 1);
  TIPHYS_TRY(WatchStart, start, make_start(options));
  if (options.bookmarks) host_.bookmarks_wanted();
  auto watcher = std::make_unique<WatchQueue>(loop_, *this, std::move(options), std::move(start));
  watchers_.push_back(watcher.get());
  return std::unique_ptr<CacheWatcher>(std::move(watcher));
}

Result<WatchStart> ResourceCache::make_start(const WatchOptions& options) const {
  WatchStart start;
  if (!options.initial_state) {
    if (!window_.covers(options.after)) {
      return ApiStatus::expired("too old resource version: " + std::to_string(options.after) +
                                " (" + std::to_string(window_.start()) + ")");
    }
    window_.for_each_after(options.after,
                           [&](const CacheEventPtr& event) { start.backlog.push_back(event); });
    return start;
  }
  start.initial_revision = revision();
  std::string scope = options.ns.empty() ? "" : options.ns + "/";
  const Objects& objects = objects_.ordered();
  for (auto it = objects.lower_bound(scope); it != objects.end(); ++it) {
    std::string_view key = it->first;
    if (!key.starts_with(scope)) break;
    if (!options.name.empty() && key.substr(key.find('/') + 1) != options.name) continue;
    if (!options.predicate || options.predicate(*it->second)) start.initial.push_back(it->second);
  }
  return start;
}

void ResourceCache::forget(CacheWatcher* watcher) { std::erase(watchers_, watcher); }

void ResourceCache::end_watchers() {
  for (auto* watcher : watchers_) watcher->end();
}

void ResourceCache::send_bookmarks() {
  for (auto* watcher : watchers_) watcher->offer_bookmark();
}

bool ResourceCache::wants_bookmarks() const {
  return std::ranges::any_of(watchers_, [](auto* watcher) { return watcher->wants_bookmarks(); });
}

ObjectPtr ResourceCache::make_bookmark(Revision revision, bool initial_events_end) const {
  Draft draft(*resource_.storage_message, &resource_.storage_gvk);
  set_resource_version(draft, revision);
  if (initial_events_end && draft.type().metadata_field >= 0) annotate_end(draft);
  return draft.freeze();
}

}  // namespace tiphys::apiserver
