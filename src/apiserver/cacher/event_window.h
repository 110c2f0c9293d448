// EventWindow: the recent changes of one resource, for watches that start in the past and for lists
// of a slightly older state. Pure; one thread.
#pragma once
#include <deque>
#include <memory>
#include <string>

#include "base/time.h"
#include "object/object.h"
#include "storage/store.h"

namespace tiphys::apiserver {

// One change, shared by the window and the queues of all watchers.
struct CacheEvent {
  std::string key;     // "namespace/name" or "name"
  ObjectPtr object;    // null: deleted
  ObjectPtr previous;  // null: created
  storage::Revision revision = 0;
  MonoTime at{};
  // What a DELETED event shows: the previous state with this change's resourceVersion.
  const ObjectPtr& gone() const;
  void drop_encodings() const;

 private:
  mutable ObjectPtr gone_;
};
using CacheEventPtr = std::shared_ptr<const CacheEvent>;

inline constexpr size_t kMinWindowEvents = 100;  // kept however old
inline constexpr size_t kMaxWindowEvents = 10'000;
inline constexpr size_t kMaxWindowBytes = 16 * 1024 * 1024;       // of states that only it holds
inline constexpr Duration kWindowAge = std::chrono::seconds(75);  // upstream's event freshness

class EventWindow {
 public:
  // Forgets everything; changes after `revision` will be complete.
  void reset(storage::Revision revision);
  void add(CacheEventPtr event);
  // Whether all changes after this revision are there.
  bool covers(storage::Revision after) const { return after >= start_; }
  storage::Revision start() const { return start_; }
  // The changes after a revision, oldest first. Requires: covers(after).
  template <class Fn>
  void for_each_after(storage::Revision after, Fn fn) const {
    auto it = std::ranges::upper_bound(events_, after, {},
                                       [](const CacheEventPtr& event) { return event->revision; });
    for (; it != events_.end(); ++it) fn(*it);
  }
  template <class Fn>
  void for_each_after_newest_first(storage::Revision after, Fn fn) const {
    for (auto it = events_.rbegin(); it != events_.rend() && (*it)->revision > after; ++it) fn(*it);
  }
  size_t size() const { return events_.size(); }
  // Drops the encodings that replaced and deleted objects have kept.
  void drop_encodings();

 private:
  bool too_large(MonoTime now) const;
  void drop_oldest();
  std::deque<CacheEventPtr> events_;
  storage::Revision start_ = 0;
  size_t bytes_ = 0;
};

}  // namespace tiphys::apiserver
