// SchedulingQueue: pods that wait for a node. Pure: time is passed in. One thread.
//
//   active         to be scheduled now; highest priority first, then the longest waiting
//   back-off       failed a moment ago; doubling from first_back_off to last_back_off per pod
//   unschedulable  failed, until an event of the cluster may help, or flush_after passed
//   gated          has scheduling gates; leaves when the pod changes
// A pod that is popped belongs to the caller until it is put back or forgotten.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "scheduler/pod_info.h"

namespace tiphys::scheduler {

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
  void forget(const std::string& uid);
  // The next pod to schedule; null: none is due.
  PodPtr pop(MonoTime now);
  // Puts a popped pod back: no node fits. `node_local`: only a change of some node can help.
  void add_unschedulable(const PodPtr& pod, bool node_local, MonoTime now);
  // Puts a popped pod back: an error that may pass by itself.
  void add_after_back_off(const PodPtr& pod, MonoTime now);
  // The popped pod needs no more scheduling; its history is forgotten.
  void done(const std::string& uid) { forget(uid); }

  // Something changed that may help: wakes unschedulable pods for which `helps` answers true.
  using Helps = std::function<bool(const PodInfo& pod, bool node_local)>;
  void wake(MonoTime now, const Helps& helps);

  // When pop() may next have something that it hasn't now; nullopt: never by itself.
  std::optional<MonoTime> next_due() const;
  bool has_active() const { return !active_.empty(); }
  size_t active() const { return active_.size(); }
  size_t backing_off() const { return back_off_.size(); }
  size_t unschedulable() const { return unschedulable_.size(); }
  size_t size() const { return pods_.size(); }

 private:
  enum class Place : uint8_t { kPopped, kActive, kBackOff, kUnschedulable, kGated };
  struct Entry {
    PodPtr pod;
    Place place = Place::kPopped;
    int attempts = 0;
    uint64_t sequence = 0;  // order of arrival
    MonoTime last_failure{0};
    MonoTime due{0};  // end of back-off, or of patience when unschedulable
    bool node_local = true;
  };
  struct ActiveKey {
    int32_t priority;
    uint64_t sequence;
    std::string uid;
    bool operator<(const ActiveKey& other) const;
  };
  static ActiveKey key_of(const Entry& entry);
  void leave(Entry& entry);
  void activate(Entry& entry, MonoTime now);
  void flush(MonoTime now);
  Duration back_off_of(int attempts) const;

  Options options_;
  std::unordered_map<std::string, Entry> pods_;  // by uid
  std::set<ActiveKey> active_;
  std::set<std::pair<MonoTime, std::string>> back_off_;
  std::set<std::pair<MonoTime, std::string>> unschedulable_;
  uint64_t sequence_ = 0;
};

}  // namespace tiphys::scheduler
