// Preemption: may removing pods of lower priority from a node make room (DefaultPreemption)?
// Pure over a snapshot, which is changed for a trial and put back.
#pragma once
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
                           const std::vector<Budget>& budgets, const Profile& profile,
                           size_t start);
// The best one whose node still exists.
Preemption choose_candidate(std::vector<Candidate> list, const Snapshot& snapshot);

}  // namespace tiphys::scheduler
