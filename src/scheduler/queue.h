// SchedulingQueue: pods that wait for a node. Pure: time is passed in. One thread.
//
//   active         to be scheduled now; highest priority first, then the longest waiting
//   back-off       failed a moment ago; doubling from first_back_off to last_back_off per pod
//   unschedulable  failed; waits for a change of the cluster that may help
//   gated          has scheduling gates; leaves when the pod changes
// A pod that is popped belongs to the caller until it is put back, placed or forgotten.
//
// Unschedulable pods of one kind (alike to every filter) stand in one line: a change that may help
// wakes the first, and only when that one found its place the next. So 20,000 pods that wait for
// the same thing cost as much as one. Without any change a line's first is tried every
// flush_after.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "scheduler/pod_info.h"

namespace tiphys::scheduler {

// Why pods come to a place of the queue, as scheduler_queue_incoming_pods_total tells: what happens
// in the cluster is named by kind and action ("NodeAdd"). Source:
// k8s.io/kubernetes/pkg/scheduler/framework/events.go, v1.35.
namespace queue_event {
inline constexpr std::string_view kPodAdd = "UnschedulablePodAdd";
inline constexpr std::string_view kPodUpdate = "UnschedulablePodUpdate";
inline constexpr std::string_view kAttemptFailure = "ScheduleAttemptFailure";
inline constexpr std::string_view kBackoffComplete = "BackoffComplete";
inline constexpr std::string_view kForceActivate = "ForceActivate";
inline constexpr std::string_view kTimeout = "UnschedulableTimeout";
}  // namespace queue_event

class SchedulingQueue {
 public:
  struct Options {
    Duration first_back_off = std::chrono::seconds(1);  // podInitialBackoffSeconds
    Duration last_back_off = std::chrono::seconds(10);  // podMaxBackoffSeconds
    // --pod-max-in-unschedulable-pods-duration
    Duration flush_after = std::chrono::minutes(5);
  };
  SchedulingQueue() : SchedulingQueue(Options()) {}
  explicit SchedulingQueue(Options options) : options_(options) {}

  // A new or changed pod without a node. A change of a waiting pod makes it active again (after
  // its back-off).
  void add(const PodPtr& pod, MonoTime now);
  void forget(const std::string& uid, MonoTime now);
  // The next pod to schedule; null: none is due.
  PodPtr pop(MonoTime now);
  struct Rejection {
    std::string kind;                       // equal for pods that are alike to every filter
    std::vector<std::string_view> plugins;  // that rejected it; static texts
  };
  // Puts a popped pod back: no node fits.
  void add_unschedulable(const PodPtr& pod, Rejection rejection, MonoTime now);
  // Puts a popped pod back: an error that may pass by itself.
  void add_after_back_off(const PodPtr& pod, MonoTime now);
  // The popped pod found a node; it may still come back if it can't be bound.
  void placed(const std::string& uid, MonoTime now);
  // The popped pod needs no more scheduling; its history is forgotten.
  void done(const std::string& uid, MonoTime now) { forget(uid, now); }

  // Tries a waiting pod again, after its back-off.
  void retry(const std::string& uid, MonoTime now);

  // Something changed: wakes the first of each kind for which `helps` answers true. Pods that are
  // being worked on meanwhile are tried again if they don't find a place.
  using Helps =
      std::function<bool(const PodInfo& pod, const std::vector<std::string_view>& plugins)>;
  void wake(MonoTime now, const Helps& helps, std::string_view event = queue_event::kForceActivate);

  // When pop() may next have something that it hasn't now; nullopt: never by itself.
  std::optional<MonoTime> next_due() const;
  bool has_active() const { return !active_.empty(); }
  size_t active() const { return active_.size(); }
  size_t backing_off() const { return back_off_.size(); }
  size_t unschedulable() const { return unschedulable_; }
  size_t kinds() const { return lines_.size(); }  // of unschedulable pods
  size_t size() const { return pods_.size(); }
  size_t gated() const;  // looks at every pod
  // How often a pod was popped, and since when it could be. Nothing: it is not here.
  struct Tries {
    int attempts = 0;
    MonoTime since{0};
  };
  Tries tries(const std::string& uid) const;
  bool waits(const std::string& uid) const { return pods_.contains(uid); }
  // How many pods came to which place ("active", "backoff", "unschedulable") by which event.
  const std::map<std::pair<std::string, std::string>, int64_t>& incoming() const {
    return incoming_;
  }

 private:
  enum class Place : uint8_t { kPopped, kActive, kBackOff, kUnschedulable, kGated };
  struct Entry {
    PodPtr pod;
    Place place = Place::kPopped;
    int attempts = 0;
    MonoTime added{0};      // to a place that it can be scheduled from
    uint64_t sequence = 0;  // order of arrival
    MonoTime last_failure{0};
    MonoTime due{0};       // end of back-off
    std::string kind;      // the line it stands in, or has been woken from
    bool woken = false;    // as the first of its line, and not yet placed nor put back
    uint64_t changes = 0;  // of the cluster, when it was popped
  };
  struct Line {
    std::set<std::pair<uint64_t, std::string>> waiting;  // sequence, uid
    std::vector<std::string_view> plugins;               // that rejected the last one
    MonoTime due{0};     // when the first is tried again without any change
    bool woken = false;  // one is on its way
    std::string event;   // that woke it
  };
  struct ActiveKey {
    int32_t priority;
    uint64_t sequence;
    std::string uid;
    bool operator<(const ActiveKey& other) const;
  };
  static ActiveKey key_of(const Entry& entry);
  void leave(Entry& entry);
  void count(std::string_view place, std::string_view event) {
    ++incoming_[{std::string(place), std::string(event)}];
  }
  void activate(Entry& entry, MonoTime now, std::string_view event);
  void settle(Entry& entry, MonoTime now,
              std::string_view event);  // where a new or changed pod belongs
  void flush(MonoTime now);
  static constexpr int kLookAhead = 64;  // for one whose back-off is over
  void wake_first(const std::string& kind, Line& line, MonoTime now);
  void wake_line(const std::string& kind, MonoTime now,
                 std::string_view event);  // unless one is on its way
  void drop_if_empty(const std::string& kind);
  // A woken pod found a place, is gone, or fails for reasons of its own: the next has its turn.
  void came_through(Entry& entry, MonoTime now);
  void came_back(Entry& entry, MonoTime now);  // and the others of its line needn't try
  Duration back_off_of(int attempts) const;

  Options options_;
  std::unordered_map<std::string, Entry> pods_;  // by uid
  std::unordered_map<std::string, Line> lines_;  // by kind
  std::set<ActiveKey> active_;
  std::set<std::pair<MonoTime, std::string>> back_off_;
  std::set<std::pair<MonoTime, std::string>> line_due_;  // of lines of which none is woken
  size_t unschedulable_ = 0;
  uint64_t sequence_ = 0;
  uint64_t changes_ = 0;
  std::string last_event_;
  std::map<std::pair<std::string, std::string>, int64_t> incoming_;
};

}  // namespace tiphys::scheduler
