// WatchQueue: the CacheWatcher of a ResourceCache. It is fed with every change of the resource and
// keeps what its client asked for.
#pragma once
#include <deque>

#include "apiserver/cacher/cache_watcher.h"
#include "apiserver/cacher/event_window.h"

namespace tiphys::apiserver {

// What a queue needs of its cache; goes away with the cache (detach()).
class WatchSource {
 public:
  virtual ~WatchSource() = default;
  virtual Revision revision() const = 0;
  virtual ObjectPtr make_bookmark(Revision revision, bool initial_events_end) const = 0;
  virtual void forget(CacheWatcher* watcher) = 0;
};

// What the queue begins with.
struct WatchStart {
  std::vector<ObjectPtr> initial;  // the matching present objects
  Revision initial_revision = 0;
  std::vector<CacheEventPtr> backlog;  // changes after `after`, unfiltered
};

class WatchQueue : public CacheWatcher {
 public:
  WatchQueue(Loop& loop, WatchSource& source, WatchOptions options, WatchStart start);
  ~WatchQueue() override;

  Task<std::optional<WatchEvent>> next(StopToken stop) override;
  std::optional<WatchEvent> try_next() override;
  bool ended() const override { return ended_ && !something_is_left(); }
  std::optional<ApiStatus> error() const override { return std::nullopt; }
  std::optional<WatchEvent> bookmark() override;

  // ---- for the cache ----
  void offer(const CacheEventPtr& event);
  void offer_bookmark();
  bool wants_bookmarks() const { return options_.bookmarks; }
  // No more events: what is queued is still delivered.
  void end();
  // The cache is going away.
  void detach();

 private:
  bool in_scope(std::string_view key) const;
  bool matches(const ObjectPtr& object) const;
  std::optional<WatchEvent> translate(const CacheEvent& event) const;
  bool something_is_left() const;
  std::optional<WatchEvent> next_initial();
  std::optional<WatchEvent> next_of_backlog();
  void push(WatchEvent event);

  WatchSource* source_;
  WatchOptions options_;
  std::string scope_;  // "namespace/", "namespace/name" or ""
  WatchStart start_;
  size_t initial_sent_ = 0;
  size_t backlog_sent_ = 0;
  bool initial_end_due_ = false;
  std::deque<WatchEvent> queue_;
  Event ready_;
  bool ended_ = false;
};

}  // namespace tiphys::apiserver
