// InterPodAffinity: required terms of the pod, and anti-affinity of the pods that are there,
// filter; preferred terms of both score. Counted by TopologyIndex.
#include <algorithm>

#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

using Kind = TermGroup::Kind;
using Code = Verdict::Code;

// Pods somewhere in a topology: what they mean for a node depends on its value of the label.
struct Weighted {
  const TopologyKey* key;
  const std::vector<int64_t>* per_value;
  int64_t weight;
};

int64_t at_node(const Weighted& w, const NodeInfo& node) {
  return count_at(*w.per_value, w.key->value(node.slot)) * w.weight;
}

class AffinityChecker : public Checker {
 public:
  AffinityChecker(const PodInfo& pod, const Snapshot& snapshot) {
    TopologyIndex& index = snapshot.topology();
    prepare_affinity(pod, index);
    for (const PodAffinityTerm& term : pod.anti_affinity) {
      const TopologyCounts& counts = index.counts({&term.match, 1}, term.topology_key, false);
      anti_.push_back({counts.key, &counts.per_value, 1});
    }
    for (const auto& [text, group] : index.groups()) {
      if (group->kind != Kind::kAnti || !index.matches(group->term.match, pod)) continue;
      existing_.push_back({group->key, &group->per_value, 1});
    }
  }
  bool idle() const { return affinity_.empty() && anti_.empty() && existing_.empty(); }

  Verdict check(const NodeInfo& node) const override {
    if (!fits_affinity(node)) {
      return Verdict::no(Code::kUnresolvable, "node(s) didn't match pod affinity rules");
    }
    if (any(anti_, node)) {
      return Verdict::no(Code::kUnschedulable, "node(s) didn't match pod anti-affinity rules");
    }
    if (any(existing_, node)) {
      return Verdict::no(Code::kUnschedulable,
                         "node(s) didn't satisfy existing pods anti-affinity rules");
    }
    return {};
  }

 private:
  void prepare_affinity(const PodInfo& pod, TopologyIndex& index) {
    std::vector<PodMatch> all;
    for (const PodAffinityTerm& term : pod.affinity) all.push_back(term.match);
    int64_t total = 0;
    for (const PodAffinityTerm& term : pod.affinity) {
      const TopologyCounts& counts = index.counts(all, term.topology_key, false);
      affinity_.push_back({counts.key, &counts.per_value, 1});
      total += counts.total;
    }
    // The first of a group that wants to be together may go anywhere.
    first_of_group_ = total == 0 && index.matches_all(all, pod);
  }
  bool fits_affinity(const NodeInfo& node) const {
    return std::all_of(affinity_.begin(), affinity_.end(), [&](const Weighted& w) {
      return w.key->value(node.slot) >= 0 && (first_of_group_ || at_node(w, node) > 0);
    });
  }
  static bool any(const std::vector<Weighted>& list, const NodeInfo& node) {
    return std::any_of(list.begin(), list.end(),
                       [&](const Weighted& w) { return at_node(w, node) > 0; });
  }

  std::vector<Weighted> affinity_, anti_, existing_;
  bool first_of_group_ = false;
};

class AffinityScorer : public Scorer {
 public:
  explicit AffinityScorer(const Query& query) {
    const PodInfo& pod = query.pod;
    TopologyIndex& index = query.snapshot.topology();
    add_own(pod.preferred_affinity, 1, index);
    add_own(pod.preferred_anti_affinity, -1, index);
    for (const auto& [text, group] : index.groups()) {
      int64_t weight = weight_of(*group, query);
      if (weight == 0 || !index.matches(group->term.match, pod)) continue;
      terms_.push_back({group->key, &group->per_value, weight});
    }
  }
  bool idle() const { return terms_.empty(); }

  int64_t score(const NodeInfo& node) const override {
    int64_t sum = 0;
    for (const Weighted& w : terms_) sum += at_node(w, node);
    return sum;
  }
  void normalize(std::span<const NodeInfo* const>, std::span<int64_t> scores) const override {
    if (scores.empty()) return;
    auto [low, high] = std::minmax_element(scores.begin(), scores.end());
    int64_t min = *low, range = *high - *low;
    for (int64_t& score : scores) {
      score = range == 0 ? 0
                         : static_cast<int64_t>(
                               static_cast<double>(kMaxNodeScore) *
                               (static_cast<double>(score - min) / static_cast<double>(range)));
    }
  }

 private:
  void add_own(const std::vector<PodAffinityTerm>& terms, int64_t sign, TopologyIndex& index) {
    for (const PodAffinityTerm& term : terms) {
      const TopologyCounts& counts = index.counts({&term.match, 1}, term.topology_key, false);
      terms_.push_back({counts.key, &counts.per_value, sign * term.weight});
    }
  }
  // Without preferences of its own a pod may be told to ignore those of the pods that are there.
  static int64_t weight_of(const TermGroup& group, const Query& query) {
    bool wishes =
        !query.pod.preferred_affinity.empty() || !query.pod.preferred_anti_affinity.empty();
    bool ignores = query.args.ignore_preferred_terms_of_existing_pods && !wishes;
    if (ignores) return 0;
    switch (group.kind) {
      case Kind::kPreferred:
        return group.term.weight;
      case Kind::kPreferredAnti:
        return -group.term.weight;
      case Kind::kRequired:
        return query.args.hard_pod_affinity_weight;
      case Kind::kAnti:
        return 0;
    }
    return 0;
  }
  std::vector<Weighted> terms_;
};

Preparation make_checker(const Query& query) {
  auto checker = std::make_unique<AffinityChecker>(query.pod, query.snapshot);
  if (checker->idle()) return nullptr;
  return checker;
}
std::unique_ptr<Scorer> make_scorer(const Query& query, std::span<const NodeInfo* const>) {
  auto scorer = std::make_unique<AffinityScorer>(query);
  if (scorer->idle()) return nullptr;
  return scorer;
}

// A pod that one of the terms speaks of, or whose own terms speak of the waiting one.
bool helped_by(const PodInfo& waiting, const PodInfo& moved, const Snapshot& snapshot) {
  auto speaks_of = [&](const std::vector<PodAffinityTerm>& terms, const PodInfo& pod) {
    return std::ranges::any_of(terms, [&](const PodAffinityTerm& term) {
      return snapshot.topology().matches(term.match, pod);
    });
  };
  return speaks_of(waiting.affinity, moved) || speaks_of(waiting.anti_affinity, moved) ||
         speaks_of(moved.anti_affinity, waiting);
}

}  // namespace

constinit const Plugin kInterPodAffinity = {.name = "InterPodAffinity",
                                            .weight = 2,
                                            .make_checker = make_checker,
                                            .make_scorer = make_scorer,
                                            .node_local = false,
                                            .helped_by = helped_by};

}  // namespace tiphys::scheduler
