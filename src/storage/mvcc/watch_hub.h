// WatchHub: the running watches of a store. Watches that are up to date get each commit at once;
// others catch up from the window of recent events or, further back, from the backend's history.
//
// Loop thread only. Callbacks may start and end watches and call the store.
#pragma once
#include "async/gate.h"
#include "storage/mvcc/backend.h"

namespace tiphys::storage::mvcc {

inline constexpr size_t kWindowEvents = 4'096;
inline constexpr size_t kWindowBytes = 2 * 1024 * 1024;

class WatchHub {
 public:
  WatchHub(Loop& loop, Backend& backend, Recovered recovered);
  ~WatchHub();

  std::unique_ptr<Watch> add(std::string prefix, Revision from, Store::BatchCallback on_batch,
                             Store::FailedCallback on_failed, bool with_previous);
  // True if some up-to-date watch of this key wants the state before its changes.
  bool wants_previous(std::string_view key) const;
  // All changes of one or more whole transactions. An event whose `previous` ought to be there but
  // isn't in memory has previous->value null: watches that want it read it back.
  void publish(std::vector<storage::Event> events, Revision revision);
  // History before this is going away.
  void compacted(Revision revision) { compacted_ = std::max(compacted_, revision); }
  // Ends all watches, without callbacks, and waits for reads in progress.
  Task<void> stop();

 private:
  struct Watcher;
  class Handle;
  using WatcherPtr = std::shared_ptr<Watcher>;
  Task<void> catch_up(WatcherPtr watcher);
  Task<bool> replay_history(WatcherPtr watcher);
  void replay_window(const WatcherPtr& watcher);
  void deliver_live(const WatcherPtr& watcher, const std::vector<storage::Event>& events);
  void send_progress(const WatcherPtr& watcher);
  void fall_behind(const WatcherPtr& watcher);
  void remember(std::vector<storage::Event> events);
  static void fail(const WatcherPtr& watcher, ApiStatus error);
  void prune();

  Loop& loop_;
  Backend& backend_;
  Gate gate_;
  Revision revision_;
  Revision compacted_;
  std::vector<WatcherPtr> watchers_;
  std::deque<storage::Event> window_;  // without attachments and previous states
  Revision window_start_;              // the window has every event from this revision on
  size_t window_bytes_ = 0;
};

}  // namespace tiphys::storage::mvcc
