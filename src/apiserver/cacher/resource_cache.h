// ResourceCache: the Cacher of one resource inside a CacherHub, which feeds it.
#pragma once
#include <map>
#include <unordered_set>

#include "apiserver/cacher/cacher.h"
#include "apiserver/cacher/event_window.h"
#include "apiserver/cacher/watch_queue.h"
#include "base/hashed_map.h"

namespace tiphys::apiserver {

// What a cache needs of its hub.
class CacheHost {
 public:
  virtual ~CacheHost() = default;
  virtual Revision hub_revision() const = 0;
  virtual Task<bool> wait_for_revision(Revision revision, Duration timeout) = 0;
  virtual void bookmarks_wanted() = 0;  // some watcher wants bookmarks
  virtual void encodings_used() = 0;    // objects were handed out and may be encoded
};

class ResourceCache : public Cacher, public WatchSource {
 public:
  ResourceCache(Loop& loop, storage::Store& store, CacheHost& host,
                const schema::Resource& resource);
  ~ResourceCache() override;

  const schema::Resource& resource() const override { return resource_; }
  bool ready() const override { return ready_; }
  Revision revision() const override;
  size_t size() const override { return objects_.size(); }
  ObjectPtr get(std::string_view ns, std::string_view name) const override;
  std::optional<ApiStatus> problem(std::string_view ns, std::string_view name) const override;
  Result<std::optional<ListPage>> list(const ListQuery& query) const override;
  Task<Result<ListPage>> list_exact(ListQuery query) override;
  Task<bool> wait_for(Revision revision, Duration timeout) override;
  Result<std::unique_ptr<CacheWatcher>> watch(WatchOptions options) override;
  void on_change(ChangeHandler handler) override;

  // ---- for the hub ----
  // The objects of a load; the items come in any number of calls, then loaded().
  void load(const storage::KeyValue& item);
  void loaded(Revision revision);
  // Before loaded() changes are kept and applied then.
  void apply(const storage::Event& event);
  // Begins a load anew: watchers are ended; the old state is served until loaded(), which tells
  // handlers the difference.
  void reload();
  void send_bookmarks();
  bool wants_bookmarks() const;
  void end_watchers();
  // Drops the encodings that objects have kept.
  void drop_encodings();

  // WatchSource
  ObjectPtr make_bookmark(Revision revision, bool initial_events_end) const override;
  void forget(CacheWatcher* watcher) override;

 private:
  using Objects = std::map<std::string, ObjectPtr, std::less<>>;  // in key order
  struct Walk;
  std::string_view relative(std::string_view key) const;
  void change(std::string key, ObjectPtr now, Revision revision);
  ObjectPtr decode(const std::string& key, const storage::KeyValue& item);
  void tell_difference(const Objects& old);
  std::optional<ApiStatus> problem_in(const ListQuery& query) const;
  ListPage walk(const ListQuery& query, const Objects& overlay) const;
  Task<Result<ListPage>> list_stored(ListQuery query);
  Result<WatchStart> make_start(const WatchOptions& options) const;

  Loop& loop_;
  storage::Store& store_;
  CacheHost& host_;
  const schema::Resource& resource_;
  std::string prefix_;      // "/registry/pods/"
  bool ready_ = false;      // the first load is complete
  bool following_ = false;  // no load is in progress
  Revision loaded_revision_ = 0;
  HashedMap<ObjectPtr> objects_;
  HashedMap<ObjectPtr> loading_;
  std::map<std::string, ApiStatus, std::less<>> problems_;
  EventWindow window_;
  std::vector<storage::Event> early_;  // changes that came while loading
  std::vector<WatchQueue*> watchers_;
  std::vector<ChangeHandler> handlers_;
  mutable bool encodings_ = false;
};

}  // namespace tiphys::apiserver
