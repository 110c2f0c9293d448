// EventCorrelator: what to write for an event that happened: a new Event, one more count of an
// Event written before, or nothing (too many). Pure; after client-go's
// tools/record/events_cache.go.
//
// The same event again is counted. More than 10 alike (same object and reason, other messages)
// within 10 minutes become one "(combined from similar events)". One source may tell about one
// object 25 times at once and then once in 5 minutes.
#pragma once
#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace tiphys::client {

// What identifies an event; texts are the event's own.
struct EventKey {
  std::string object;  // everything that identifies the involved object
  std::string type;
  std::string reason;
  std::string message;
};

struct EventVerdict {
  enum class Kind : uint8_t { kDrop, kCreate, kCount };
  Kind kind = Kind::kDrop;
  std::string cache_key;  // for written()
  std::string message;    // to write
  std::string name;       // kCount: of the Event
  int32_t count = 1;
  MicroTime first = 0;
};

class EventCorrelator {
 public:
  EventVerdict judge(const EventKey& event, MicroTime now);
  // The event of a verdict was written under this name.
  void written(const EventVerdict& verdict, std::string name);
  // The Event that was to be counted is gone from the server.
  void forget(const EventVerdict& verdict);

 private:
  static constexpr size_t kMaxEntries = 4096;
  struct Seen {
    std::string name;
    int32_t count = 0;
    MicroTime first = 0;
  };
  struct Alike {
    std::set<std::string> messages;
    MicroTime last = 0;
  };
  struct Bucket {
    double tokens = 0;
    MicroTime at = 0;
  };
  // A map that forgets its least recently used entries.
  template <class V>
  class Recent {
   public:
    V& at(const std::string& key, bool* added) {
      auto found = entries_.find(key);
      *added = found == entries_.end();
      if (!*added) {
        order_.splice(order_.begin(), order_, found->second);
        return found->second->second;
      }
      order_.emplace_front(key, V());
      entries_[key] = order_.begin();
      if (order_.size() > kMaxEntries) {
        entries_.erase(order_.back().first);
        order_.pop_back();
      }
      return order_.front().second;
    }

   private:
    std::list<std::pair<std::string, V>> order_;
    std::unordered_map<std::string, typename std::list<std::pair<std::string, V>>::iterator>
        entries_;
  };

  bool too_many(const std::string& object, MicroTime now);

  Recent<Seen> seen_;
  Recent<Alike> alike_;
  Recent<Bucket> buckets_;
};

// When to tell of dropped events: the first at once, further ones together, once a minute at most:
// thousands of them must not become as many log lines.
class DropCount {
 public:
  // One was dropped. How many to tell of now; nothing: later.
  std::optional<int64_t> dropped(MonoTime now);

 private:
  int64_t count_ = 0;  // since it was told last
  std::optional<MonoTime> told_;
};

}  // namespace tiphys::client
