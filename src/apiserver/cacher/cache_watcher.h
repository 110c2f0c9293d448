// CacheWatcher: one client's watch of a Cacher: a bounded queue of events in revision order.
//
// Loop thread only. Selector semantics are upstream's: an object that comes to match is ADDED, one
// that no longer matches is DELETED; a DELETED event carries the last matching state with the
// resourceVersion of the change. A watcher that does not keep up (kMaxQueuedEvents) is ended:
// the client resumes from the last revision it saw.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/loop.h"
#include "base/result.h"
#include "object/object.h"
#include "storage/store.h"

namespace tiphys::apiserver {

using storage::Revision;
// True for the objects that the client asked for (label and field selector). Null: all.
using Predicate = std::function<bool(const Object& object)>;

struct WatchEvent {
  enum class Type : uint8_t { kAdded, kModified, kDeleted, kBookmark };
  Type type = Type::kAdded;
  // kBookmark: an object of the kind with nothing but metadata.resourceVersion (and, at the end of
  // the initial events, the annotation k8s.io/initial-events-end: "true").
  ObjectPtr object;
  ObjectPtr previous;  // the state before the change; null for initial state and creation
  Revision revision = 0;
};
std::string_view watch_event_type(WatchEvent::Type type);  // "ADDED", ...

struct WatchOptions {
  std::string ns;       // empty: all namespaces
  std::string name;     // empty: all names (a metadata.name field selector)
  Predicate predicate;  // on top of ns and name
  // True: begin with the present state as ADDED events in key order (resourceVersion unset or "0",
  // or sendInitialEvents=true). False: begin with the first change after revision `after`.
  bool initial_state = false;
  Revision after = 0;
  bool initial_events_end = false;  // a bookmark with the annotation follows the initial state
  bool bookmarks = false;           // allowWatchBookmarks: one about every minute
};

inline constexpr size_t kMaxQueuedEvents = 10'000;  // of one watcher, initial state aside

class CacheWatcher {
 public:
  virtual ~CacheWatcher() = default;
  // The next event. Nothing when `stop` was requested, or when the watch has ended: ended() is
  // then true and the response should be closed (after an ERROR event if error() is set).
  virtual Task<std::optional<WatchEvent>> next(StopToken stop) = 0;
  // The next event if one is there now (to fill one network write with several).
  virtual std::optional<WatchEvent> try_next() = 0;
  virtual bool ended() const = 0;
  virtual std::optional<ApiStatus> error() const = 0;
  // A bookmark of how far this watcher has been told everything; for the end of a timed watch.
  // Nothing while events are queued.
  virtual std::optional<WatchEvent> bookmark() = 0;
};

}  // namespace tiphys::apiserver
