// Preemption: may removing pods of lower priority from a node make room (DefaultPreemption)?
// Pure over a snapshot, which is changed for a trial and put back. Of pods of one priority the one
// that was started first is the most important.
#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "scheduler/schedule.h"

namespace tiphys::scheduler {

// A budget that victims should respect: its pods, and how many may go.
struct Budget {
  std::string ns;
  LabelMatch match;
  int32_t disruptions_allowed = 0;
  std::set<std::string, std::less<>> disrupted;  // names of pods that were counted already
};

struct Preemption {
  const NodeInfo* node = nullptr;  // null: none helps
  std::vector<PodPtr> victims;     // most important first
  int64_t violations = 0;          // victims beyond their budgets
  std::string message;    // upstream's explanation if none helps: "preemption: 0/1 nodes are ..."
  bool hopeless = false;  // all was tried: an earlier nomination is void
};

// When a pod was started, as informers know now: a status changes without the snapshot's notice.
using StartTime = std::function<MicroTime(const PodInfo&)>;
// status.startTime; a pod without one starts after all others (upstream: now).
MicroTime start_time(const core_v1::Pod& pod);
inline MicroTime known_start_time(const PodInfo& pod) { return start_time(pod.view()); }

// Between the two steps others may be asked (extenders), so candidates outlive changes of the
// snapshot.
struct Candidate {
  std::string node;
  std::vector<PodPtr> victims;
  int64_t violations = 0;
};
struct Candidates {
  std::vector<Candidate> list;
  std::string message;  // why there are none
  bool hopeless = false;
};
// `failed` is the decision that found no node. Candidates are looked at from `start` on; as
// many as the profile's DefaultPreemptionArgs ask for.
Candidates find_candidates(const PodInfo& pod, Snapshot& snapshot, const Diagnosis& failed,
                           const std::vector<Budget>& budgets, const Profile& profile, size_t start,
                           const StartTime& started = known_start_time);
// The best one whose node still exists.
Preemption choose_candidate(std::vector<Candidate> list, const Snapshot& snapshot,
                            const StartTime& started = known_start_time);

}  // namespace tiphys::scheduler
