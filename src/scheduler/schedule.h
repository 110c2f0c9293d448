// schedule(): one decision. A pure function of pod, snapshot, start and random choice.
//
// Where pods are nominated that the pod has to yield to (of its priority or a higher one), a node
// is tried with them and without; the snapshot, changed for that, is put back. Scores don't mind
// them.
//
// Like upstream it stops filtering once enough nodes fit (percentageOfNodesToScore), starting where
// the last decision stopped, scores those, and picks one of the best at random.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "scheduler/plugin_observer.h"
#include "scheduler/profile.h"

namespace tiphys::scheduler {

// Stands for all extenders among the plugins that rejected a pod.
inline constexpr std::string_view kExtenderName = "Extender";

// Why no node fits: what the message and the queue need.
struct Diagnosis {
  int all_nodes = 0;
  std::string refusal;                               // of a plugin for all nodes; "": none
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

Decision schedule(const PodInfo& pod, Snapshot& snapshot, const Profile& profile, size_t start,
                  Random& random);

// Its steps, for those who ask others between them (extenders).
struct Feasible {
  std::vector<const NodeInfo*> nodes;
  int evaluated = 0;
  size_t next_start = 0;
  Diagnosis diagnosis;
};
// A nominated node that fits is all that is looked at.
Feasible find_feasible(const PodInfo& pod, Snapshot& snapshot, const Profile& profile, size_t start,
                       std::string_view nominated = {}, PluginObserver* observer = nullptr);
// Weighted sums, by position in `nodes`, all of which are feasible.
std::vector<int64_t> total_scores(const PodInfo& pod, const Snapshot& snapshot,
                                  const Profile& profile, std::span<const NodeInfo* const> nodes,
                                  PluginObserver* observer = nullptr);
// One of the best. Requires: nodes is not empty, as many scores.
const NodeInfo* pick_best(std::span<const NodeInfo* const> nodes, std::span<const int64_t> scores,
                          Random& random);

// How many feasible nodes are enough among `all`.
size_t enough_nodes(size_t all, int percentage);

// True if every filter lets the pod onto one of these nodes as it is.
bool fits_any(const PodInfo& pod, std::span<const NodeInfo* const> nodes, Snapshot& snapshot,
              const Profile& profile);
// Whether these nodes, which changed, are a reason to try a pod again that was rejected by those
// plugins: one fits, or is now rejected by a plugin that looks at more than nodes and isn't among
// them (the pod has to be tried to wait for what that plugin waits for).
bool worth_a_try(const PodInfo& pod, std::span<const NodeInfo* const> nodes, Snapshot& snapshot,
                 const Profile& profile, std::span<const std::string_view> rejected_by);
// Why not: of the first plugin that rejects the node; empty: the pod fits there.
std::vector<std::string> rejection(const PodInfo& pod, const NodeInfo& node, Snapshot& snapshot,
                                   const Profile& profile);

// Every plugin's verdict on every node, and the scores of those that fit: the answer to "why".
// A refusal for all nodes stands on every node.
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
std::vector<NodeExplanation> explain(const PodInfo& pod, Snapshot& snapshot,
                                     const Profile& profile);

}  // namespace tiphys::scheduler
