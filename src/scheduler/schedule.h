// schedule(): one decision. A pure function of pod, snapshot, start and random choice.
//
// Like upstream it stops filtering once enough nodes fit (percentageOfNodesToScore), starting where
// the last decision stopped, scores those, and picks one of the best at random.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "scheduler/framework.h"

namespace tiphys::scheduler {

struct ScheduleOptions {
  std::span<const Plugin> plugins = default_plugins();
  int percentage_of_nodes_to_score = 0;  // 0: adaptive (50% at 0 nodes down to 5%)
};

// Why no node fits: what the message and the queue need.
struct Diagnosis {
  int all_nodes = 0;
  std::map<std::string, int> reasons;                // reason -> nodes
  std::vector<std::string_view> plugins;             // that rejected some node, in filter order
  std::vector<const NodeInfo*> maybe_by_preemption;  // rejected, but removing pods might help
  int not_by_preemption = 0;

  // "0/3 nodes are available: 1 Insufficient cpu, 2 Too many pods."
  std::string message() const;
};

struct Decision {
  const NodeInfo* node = nullptr;  // null: see diagnosis
  int evaluated = 0;               // nodes looked at
  int feasible = 0;
  size_t next_start = 0;  // for the next decision
  Diagnosis diagnosis;
};

Decision schedule(const PodInfo& pod, const Snapshot& snapshot, const ScheduleOptions& options,
                  size_t start, Random& random);

// How many feasible nodes are enough among `all`.
size_t enough_nodes(size_t all, int percentage);

// True if every filter lets the pod onto one of these nodes as it is.
bool fits_any(const PodInfo& pod, std::span<const NodeInfo* const> nodes, const Snapshot& snapshot,
              const ScheduleOptions& options);

// Every plugin's verdict on every node, and the scores of those that fit: the answer to "why".
struct NodeExplanation {
  std::string node;
  bool feasible = false;
  struct Entry {
    std::string_view plugin;
    std::vector<std::string> reasons;  // empty: fits
  };
  std::vector<Entry> rejections;
  std::vector<std::pair<std::string_view, int64_t>> scores;  // normalised, weighted
  int64_t total = 0;
};
std::vector<NodeExplanation> explain(const PodInfo& pod, const Snapshot& snapshot,
                                     const ScheduleOptions& options);

}  // namespace tiphys::scheduler
