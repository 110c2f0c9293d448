// CacherHub::Impl: the caches by prefix, the store's watch, and what happens by the clock.
#pragma once
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "apiserver/cacher/cacher_hub.h"
#include "apiserver/cacher/resource_cache.h"

namespace tiphys::apiserver {

inline constexpr Duration kBookmarkPeriod = std::chrono::seconds(60);
inline constexpr Duration kEncodingLifetime = std::chrono::seconds(30);
inline constexpr Duration kResumeDelay = std::chrono::milliseconds(200);
inline constexpr int64_t kLoadPage = 2'000;

struct CacherHub::Impl : CacheHost, Lookup {
  Impl(Loop& event_loop, storage::Store& target)
      : loop(event_loop), store(target), gate(event_loop) {}
  ~Impl() override;

  ResourceCache& add(const schema::Resource& resource);
  ResourceCache* find_by_key(std::string_view key) const;
  ResourceCache* find_by_name(std::string_view group, std::string_view resource) const;

  Task<Result<void>> start();
  Task<Result<Revision>> load_all();
  void all_loaded(Revision at);
  Task<void> load_one(ResourceCache* cache, std::string prefix);
  void start_watch(Revision from);
  void apply(const storage::EventBatch& batch);
  void advance(Revision to);
  Task<void> resume(ApiStatus error);
  Task<bool> reload();
  void arm_bookmarks();
  void arm_sweep();

  // CacheHost
  Revision hub_revision() const override { return revision; }
  Task<bool> wait_for_revision(Revision wanted, Duration timeout) override;
  void bookmarks_wanted() override { arm_bookmarks(); }
  void encodings_used() override {
    if (sweep_timer == 0) arm_sweep();
  }

  // Lookup
  ObjectPtr get(std::string_view group, std::string_view resource, std::string_view ns,
                std::string_view name) const override;
  std::vector<ObjectPtr> list(std::string_view group, std::string_view resource,
                              std::string_view ns) const override;
  void on_change(std::string_view group, std::string_view resource, ChangeHandler handler) override;

  using Name = std::pair<std::string, std::string>;  // group, resource
  Loop& loop;
  storage::Store& store;
  Gate gate;
  StopSource stopping;
  std::map<std::string, std::unique_ptr<ResourceCache>, std::less<>> caches;  // by etcd prefix
  // What find() found, until caches come or go.
  std::unordered_map<const schema::Resource*, ResourceCache*> by_resource;
  std::map<Name, ResourceCache*> names;
  std::map<Name, std::vector<ChangeHandler>> early_handlers;  // of resources not added yet
  std::unique_ptr<storage::Watch> watch;
  Revision revision = 0;
  bool started = false;
  std::set<ResourceCache*> loading_alone;  // added after start(): load_one() is at work
  std::multimap<Revision, Event*> waiting;
  Loop::TimerId bookmark_timer = 0;
  Loop::TimerId sweep_timer = 0;
};

}  // namespace tiphys::apiserver
