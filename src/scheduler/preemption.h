// Preemption: may removing pods of lower priority from a node make room (DefaultPreemption)?
// Pure over a snapshot, which is changed for a trial and put back.
#pragma once
#include <string>
#include <vector>

#include "scheduler/schedule.h"

namespace tiphys::scheduler {

// A budget that victims should respect: its pods, and how many may go.
struct Budget {
  std::string ns;
  LabelMatch match;
  int32_t disruptions_allowed = 0;
};

struct Preemption {
  const NodeInfo* node = nullptr;  // null: none helps
  std::vector<PodPtr> victims;
  int violations = 0;   // victims beyond their budgets
  std::string message;  // upstream's explanation if none helps: "preemption: 0/1 nodes are ..."
};

// `failed` is the decision that found no node. Candidates are looked at from `start` on; as
// many as the profile's DefaultPreemptionArgs ask for.
Preemption preempt(const PodInfo& pod, Snapshot& snapshot, const Diagnosis& failed,
                   const std::vector<Budget>& budgets, const Profile& profile, size_t start);

}  // namespace tiphys::scheduler
