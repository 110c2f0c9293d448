// TopologyIndex: how many pods of which description are in which topology domain, kept up to date
// as pods and nodes come and go, so that spreading and affinity cost what a pod's constraints ask
// and not pods times nodes. One thread.
//
// Descriptions (PodMatch) are counted from their first use on; trim() keeps at most kMaxCounts.
#pragma once
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "scheduler/node_info.h"

namespace tiphys::scheduler {

// The values of one node label and which nodes have them.
struct TopologyKey {
  std::string label;
  std::vector<int> value_of;    // by node slot; -1: the node lacks the label
  std::vector<int> nodes_with;  // by value: how many nodes
  std::unordered_map<std::string, int> values;
  int value(int slot) const {
    return slot < static_cast<int>(value_of.size()) ? value_of[static_cast<size_t>(slot)] : -1;
  }
};

inline int64_t count_at(const std::vector<int64_t>& counts, int index) {
  size_t i = static_cast<size_t>(index);
  return index >= 0 && i < counts.size() ? counts[i] : 0;
}

// Pods matching all of some descriptions, by node and by topology value.
struct TopologyCounts {
  std::vector<PodMatch> all;
  bool skip_terminating = false;
  const TopologyKey* key = nullptr;
  std::vector<int64_t> per_node;   // by slot
  std::vector<int64_t> per_value;  // by value of `key`
  int64_t total = 0;               // on nodes that have the label
  int64_t at_value(int value) const { return count_at(per_value, value); }
  int64_t at_node(int slot) const { return count_at(per_node, slot); }
};

// Equal affinity terms of placed pods: where the pods that carry them are, by topology value.
struct TermGroup {
  enum class Kind : uint8_t { kAnti, kRequired, kPreferred, kPreferredAnti };
  Kind kind = Kind::kAnti;
  PodAffinityTerm term;
  const TopologyKey* key = nullptr;
  std::vector<int64_t> per_value;
  std::vector<int64_t> per_node;
  int64_t carriers = 0;
};

class TopologyIndex {
 public:
  static constexpr size_t kMaxCounts = 4096;

  explicit TopologyIndex(const std::vector<std::unique_ptr<NodeInfo>>& slots) : slots_(slots) {}

  void set_namespace(std::string_view name, const ObjectPtr& object);  // null: gone
  // Call after the node's object changed (null: gone).
  void node_changed(const NodeInfo& node);
  // Call when a pod was added to (by = 1) or is removed from (by = -1) a node.
  void pod_moved(const PodInfo& pod, const NodeInfo& node, int by);

  const TopologyKey& key(const std::string& label);
  // Valid until trim() or a node or pod changes.
  const TopologyCounts& counts(std::span<const PodMatch> all, const std::string& label,
                               bool skip_terminating);
  // Forgets what was not asked for the longest, down to kMaxCounts.
  void trim();
  bool matches(const PodMatch& match, const PodInfo& pod) const;
  bool matches_all(std::span<const PodMatch> all, const PodInfo& pod) const;
  const std::unordered_map<std::string, std::unique_ptr<TermGroup>>& groups() const {
    return groups_;
  }

 private:
  struct Entry {
    TopologyCounts counts;
    std::list<std::string>::iterator used;
  };
  void recount(TopologyCounts& counts);
  void sum_values(TopologyCounts& counts) const;
  void move_terms(const PodInfo& pod, const NodeInfo& node, int by);
  void move_term(TermGroup::Kind kind, const PodAffinityTerm& term, const NodeInfo& node, int by);

  const std::vector<std::unique_ptr<NodeInfo>>& slots_;
  std::unordered_map<std::string, std::unique_ptr<TopologyKey>> keys_;
  std::unordered_map<std::string, Entry> counts_;
  std::list<std::string> order_;  // least recently used first
  std::unordered_map<std::string, std::unique_ptr<TermGroup>> groups_;
  std::unordered_map<std::string, ObjectPtr> namespaces_;
};

}  // namespace tiphys::scheduler
