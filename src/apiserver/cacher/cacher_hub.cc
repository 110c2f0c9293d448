#include "apiserver/cacher/cacher_hub.h"

#include "apiserver/cacher/hub_impl.h"
#include "base/log.h"

namespace tiphys::apiserver {

CacherHub::CacherHub(Loop& loop, storage::Store& store)
    : impl_(std::make_unique<Impl>(loop, store)) {}
CacherHub::~CacherHub() = default;

Cacher& CacherHub::add(const schema::Resource& resource) { return impl_->add(resource); }

Cacher* CacherHub::find(const schema::Resource& resource) const {
  auto [known, asked] = impl_->by_resource.try_emplace(&resource);
  if (asked) {
    auto it = impl_->caches.find(resource.etcd_prefix);
    known->second = it == impl_->caches.end() ? nullptr : it->second.get();
  }
  return known->second;
}

Cacher* CacherHub::find(std::string_view group, std::string_view resource) const {
  return impl_->find_by_name(group, resource);
}

void CacherHub::remove(const schema::Resource& resource) {
  auto it = impl_->caches.find(resource.etcd_prefix);
  if (it == impl_->caches.end()) return;
  std::erase_if(impl_->names, [&](const auto& entry) { return entry.second == it->second.get(); });
  impl_->loading_alone.erase(it->second.get());
  impl_->by_resource.clear();
  impl_->caches.erase(it);
}

Task<Result<void>> CacherHub::start() { return impl_->start(); }

Task<void> CacherHub::stop() {
  impl_->stopping.request_stop();
  impl_->watch.reset();
  impl_->loop.cancel(std::exchange(impl_->bookmark_timer, 0));
  impl_->loop.cancel(std::exchange(impl_->sweep_timer, 0));
  for (auto& [prefix, cache] : impl_->caches) cache->end_watchers();
  for (auto& [wanted, event] : impl_->waiting) event->set();
  co_await impl_->gate.close();
}

Revision CacherHub::revision() const { return impl_->revision; }

Task<Result<Revision>> CacherHub::wait_consistent(Duration timeout) {
  auto current = co_await impl_->store.current_revision();
  if (!current || *current <= impl_->revision) co_return current;
  if (impl_->watch) impl_->watch->request_progress();
  bool reached = co_await impl_->wait_for_revision(*current, timeout);
  if (!reached) co_return ApiStatus::timeout("timed out waiting for the watch cache");
  co_return *current;
}

Lookup& CacherHub::lookup() { return *impl_; }

// ---- the caches ----

CacherHub::Impl::~Impl() {
  loop.cancel(bookmark_timer);
  loop.cancel(sweep_timer);
}

ResourceCache& CacherHub::Impl::add(const schema::Resource& resource) {
  auto& cache = caches[std::string(resource.etcd_prefix)];
  bool made = !cache;
  by_resource.clear();
  if (made) cache = std::make_unique<ResourceCache>(loop, store, *this, resource);
  Name name(resource.group, resource.resource);
  names[name] = cache.get();
  if (auto early = early_handlers.extract(name)) {
    for (auto& handler : early.mapped()) cache->on_change(std::move(handler));
  }
  if (made && started) {
    loading_alone.insert(cache.get());
    gate.spawn(load_one(cache.get(), std::string(resource.etcd_prefix)));
  }
  return *cache;
}

// Prefixes may have one or two parts after the root; names never contain a slash.
ResourceCache* CacherHub::Impl::find_by_key(std::string_view key) const {
  for (size_t end = key.rfind('/'); end != std::string_view::npos && end > kRegistryRoot.size();
       end = key.rfind('/', end - 1)) {
    auto it = caches.find(key.substr(0, end));
    if (it != caches.end()) return it->second.get();
  }
  return nullptr;
}

ResourceCache* CacherHub::Impl::find_by_name(std::string_view group,
                                             std::string_view resource) const {
  auto it = names.find(Name(group, resource));
  return it == names.end() ? nullptr : it->second;
}

// ---- loading and following ----

Task<Result<void>> CacherHub::Impl::start() {
  started = true;
  auto loaded = co_await load_all();
  if (!loaded) co_return loaded.error();
  all_loaded(*loaded);
  start_watch(*loaded + 1);
  co_return Result<void>();
}

Task<Result<Revision>> CacherHub::Impl::load_all() {
  Revision at = 0;
  std::string from;
  for (;;) {
    auto page = co_await store.range(std::string(kRegistryRoot), from, kLoadPage, at);
    if (!page) co_return page.error();
    if (at == 0) at = page->revision;
    for (auto& item : page->items) {
      auto* cache = find_by_key(item.key);
      if (cache && !loading_alone.contains(cache)) cache->load(item);
    }
    if (!page->more) co_return at;
    from = page->items.back().key + '\0';
  }
}

void CacherHub::Impl::all_loaded(Revision at) {
  advance(at);
  for (auto& [prefix, cache] : caches) {
    if (!loading_alone.contains(cache.get())) cache->loaded(at);
  }
}

// A cache that was added later: what changes meanwhile is kept by the cache.
Task<void> CacherHub::Impl::load_one(ResourceCache* cache, std::string prefix) {
  for (;;) {
    auto range = co_await store.range(prefix + "/", "", 0, 0);
    auto it = caches.find(prefix);
    if (it == caches.end() || it->second.get() != cache) co_return;  // removed
    if (range) {
      loading_alone.erase(cache);
      for (auto& item : range->items) cache->load(item);
      cache->loaded(range->revision);
      co_return;
    }
    LOG_WARNING("Watch cache can't be loaded", {"prefix", prefix}, {"err", range.error()});
    bool slept = co_await sleep_for(loop, kResumeDelay, stopping.token());
    if (!slept) co_return;
  }
}

void CacherHub::Impl::start_watch(Revision from) {
  watch = store.watch(
      std::string(kRegistryRoot), from, [this](storage::EventBatch batch) { apply(batch); },
      [this](ApiStatus error) { gate.spawn(resume(std::move(error))); }, false);
}

void CacherHub::Impl::apply(const storage::EventBatch& batch) {
  for (auto& event : batch.events) {
    revision = std::max(revision, event.item.mod_revision);
    if (auto* cache = find_by_key(event.item.key)) cache->apply(event);
  }
  advance(batch.revision);
}

void CacherHub::Impl::advance(Revision to) {
  revision = std::max(revision, to);
  for (auto it = waiting.begin(); it != waiting.end() && it->first <= revision; ++it) {
    it->second->set();
  }
}

Task<void> CacherHub::Impl::resume(ApiStatus error) {
  LOG_WARNING("Watch of the store ended", {"err", error});
  bool again = error.is_gone();
  for (;;) {
    bool slept = co_await sleep_for(loop, kResumeDelay, stopping.token());
    if (!slept) co_return;
    if (!again) break;
    bool loaded = co_await reload();
    if (loaded) break;
  }
  start_watch(revision + 1);
}

Task<bool> CacherHub::Impl::reload() {
  for (auto& [prefix, cache] : caches) {
    if (!loading_alone.contains(cache.get())) cache->reload();
  }
  auto loaded = co_await load_all();
  if (!loaded) {
    LOG_WARNING("Watch caches can't be loaded", {"err", loaded.error()});
    co_return false;
  }
  all_loaded(*loaded);
  co_return true;
}

Task<bool> CacherHub::Impl::wait_for_revision(Revision wanted, Duration timeout) {
  if (revision >= wanted) co_return true;
  if (timeout <= Duration::zero() || stopping.stop_requested()) co_return false;
  Event reached(loop);
  auto place = waiting.emplace(wanted, &reached);
  bool woken = co_await reached.wait({}, timeout);
  waiting.erase(place);
  co_return woken&& revision >= wanted;
}

// ---- by the clock ----

void CacherHub::Impl::arm_bookmarks() {
  if (bookmark_timer != 0 || stopping.stop_requested()) return;
  bookmark_timer = loop.call_after(kBookmarkPeriod, [this] {
    bookmark_timer = 0;
    bool wanted = false;
    for (auto& [prefix, cache] : caches) {
      cache->send_bookmarks();
      wanted |= cache->wants_bookmarks();
    }
    if (wanted) arm_bookmarks();
  });
}

void CacherHub::Impl::arm_sweep() {
  if (stopping.stop_requested()) return;
  sweep_timer = loop.call_after(kEncodingLifetime, [this] {
    sweep_timer = 0;
    for (auto& [prefix, cache] : caches) cache->drop_encodings();
  });
}

// ---- Lookup ----

ObjectPtr CacherHub::Impl::get(std::string_view group, std::string_view resource,
                               std::string_view ns, std::string_view name) const {
  auto* cache = find_by_name(group, resource);
  return cache ? cache->get(ns, name) : nullptr;
}

std::vector<ObjectPtr> CacherHub::Impl::list(std::string_view group, std::string_view resource,
                                             std::string_view ns) const {
  auto* cache = find_by_name(group, resource);
  ListQuery query;
  query.ns = ns;
  if (!cache) return {};
  auto page = cache->list(query);
  if (!page || !*page) return {};
  return std::move((*page)->items);
}

void CacherHub::Impl::on_change(std::string_view group, std::string_view resource,
                                ChangeHandler handler) {
  if (auto* cache = find_by_name(group, resource)) return cache->on_change(std::move(handler));
  early_handlers[Name(group, resource)].push_back(std::move(handler));
}

}  // namespace tiphys::apiserver
