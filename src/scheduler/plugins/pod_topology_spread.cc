// PodTopologySpread: pods of one description spread over topology domains; hard constraints
// filter, soft ones score. Without constraints of its own, a pod of a service or controller gets
// the profile's: softly over hosts and zones (upstream's system defaults), or a list. Counted by
// TopologyIndex.
#include <algorithm>
#include <cmath>

#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

using Code = Verdict::Code;
constexpr const char* kHostname = "kubernetes.io/hostname";
constexpr const char* kZone = "topology.kubernetes.io/zone";
constexpr int64_t kIgnored = -1;

// Which nodes count for a constraint, by the pod's own node constraints (KEP-3094).
bool counts_node(const SpreadConstraint& constraint, const PodInfo& pod, const NodeInfo& node) {
  if (constraint.honor_node_affinity && !pod.selects(node.labels, node.name)) return false;
  return !constraint.honor_taints || tolerates_hard_taints(pod, node);
}

bool counts_every_node(const SpreadConstraint& constraint, const PodInfo& pod) {
  bool free = pod.node_selector.requirements.empty() && !pod.has_required_terms;
  return (free || !constraint.honor_node_affinity) && !constraint.honor_taints;
}

// One constraint with the counts that matter for this pod.
struct Domain {
  const SpreadConstraint* constraint;
  const TopologyCounts* counts;
  std::vector<int64_t> own;  // by value; used instead of counts->per_value if not empty
  std::vector<char> exists;  // by value: some node of it counts
  int64_t minimum = 0;
  int64_t self = 0;

  int64_t matching(int value) const {
    return own.empty() ? counts->at_value(value) : count_at(own, value);
  }
};

PodMatch match_of(const PodInfo& pod, const std::optional<LabelMatch>& labels) {
  return {{std::string(pod.ns)}, std::nullopt, labels};
}

bool has_all_keys(const std::vector<Domain>& domains, const NodeInfo& node) {
  return std::all_of(domains.begin(), domains.end(),
                     [&](const Domain& d) { return d.counts->key->value(node.slot) >= 0; });
}

// True if every node that has this label has the others too and counts: then the index is right
// as it is.
bool index_is_exact(const std::vector<Domain>& domains, const PodInfo& pod) {
  return domains.size() == 1 && counts_every_node(*domains[0].constraint, pod);
}

std::vector<Domain> domains_of(const std::vector<SpreadConstraint>& constraints, bool hard,
                               const PodInfo& pod, const Snapshot& snapshot) {
  std::vector<Domain> domains;
  for (const SpreadConstraint& c : constraints) {
    if (c.hard != hard) continue;
    PodMatch match = match_of(pod, c.labels);
    const TopologyCounts& counts = snapshot.topology().counts({&match, 1}, c.topology_key, true);
    bool self = c.labels && c.labels->matches(pod.labels);
    domains.push_back({&c, &counts, {}, {}, 0, self ? 1 : 0});
  }
  return domains;
}

// Counts over the nodes that count, where the index as it is would count too many.
void count_eligible(std::vector<Domain>& domains, const PodInfo& pod, const Snapshot& snapshot,
                    bool require_all) {
  for (Domain& d : domains) {
    size_t values = d.counts->key->nodes_with.size();
    d.own.assign(std::max<size_t>(values, 1), 0);
    d.exists.assign(values, 0);
  }
  for (const NodeInfo* node : snapshot.nodes()) {
    if (require_all && !has_all_keys(domains, *node)) continue;
    for (Domain& d : domains) {
      int value = d.counts->key->value(node->slot);
      if (value < 0 || !counts_node(*d.constraint, pod, *node)) continue;
      d.exists[static_cast<size_t>(value)] = 1;
      d.own[static_cast<size_t>(value)] += d.counts->at_node(node->slot);
    }
  }
}

void find_minimum(Domain& d) {
  const TopologyKey& key = *d.counts->key;
  int64_t minimum = std::numeric_limits<int64_t>::max(), found = 0;
  for (size_t value = 0; value < key.nodes_with.size(); ++value) {
    bool exists = d.own.empty() ? key.nodes_with[value] > 0 : d.exists[value] != 0;
    if (!exists) continue;
    ++found;
    minimum = std::min(minimum, d.matching(static_cast<int>(value)));
  }
  d.minimum = found == 0 || found < d.constraint->min_domains ? 0 : minimum;
}

// The constraints that go for a pod.
struct Constraints {
  std::vector<SpreadConstraint> defaults;  // with the owner's selector
  const std::vector<SpreadConstraint>* own = nullptr;
  bool system = false;  // upstream's defaults: nodes may lack some of their labels

  const std::vector<SpreadConstraint>& list() const { return own != nullptr ? *own : defaults; }
  bool any(bool hard) const {
    return std::ranges::any_of(list(), [&](const SpreadConstraint& c) { return c.hard == hard; });
  }
};

class SpreadChecker : public Checker {
 public:
  SpreadChecker(const PodInfo& pod, const Snapshot& snapshot, Constraints constraints)
      : constraints_(std::move(constraints)),
        domains_(domains_of(constraints_.list(), true, pod, snapshot)) {
    if (!index_is_exact(domains_, pod)) count_eligible(domains_, pod, snapshot, true);
    for (Domain& d : domains_) find_minimum(d);
  }
  Verdict check(const NodeInfo& node) const override {
    for (const Domain& d : domains_) {
      int value = d.counts->key->value(node.slot);
      if (value < 0) {
        return Verdict::no(Code::kUnresolvable,
                           "node(s) didn't match pod topology spread constraints (missing "
                           "required label)");
      }
      if (d.matching(value) + d.self - d.minimum > d.constraint->max_skew) {
        return Verdict::no(Code::kUnschedulable,
                           "node(s) didn't match pod topology spread constraints");
      }
    }
    return {};
  }

 private:
  Constraints constraints_;
  std::vector<Domain> domains_;
};

class SpreadScorer : public Scorer {
 public:
  SpreadScorer(const PodInfo& pod, const Snapshot& snapshot, Constraints constraints,
               std::span<const NodeInfo* const> feasible)
      : require_all_(!constraints.system), constraints_(std::move(constraints)) {
    domains_ = domains_of(constraints_.list(), false, pod, snapshot);
    bool exact = std::all_of(domains_.begin(), domains_.end(), [&](const Domain& d) {
      return counts_every_node(*d.constraint, pod);
    });
    if (!exact || (require_all_ && domains_.size() > 1)) {
      count_eligible(domains_, pod, snapshot, require_all_);
    }
    for (const Domain& d : domains_) weights_.push_back(weight(d, feasible));
  }

  int64_t score(const NodeInfo& node) const override {
    if (require_all_ && !has_all_keys(domains_, node)) return kIgnored;
    double sum = 0;
    for (size_t i = 0; i < domains_.size(); ++i) {
      const Domain& d = domains_[i];
      int value = d.counts->key->value(node.slot);
      if (value < 0) continue;
      bool host = d.constraint->topology_key == kHostname;
      int64_t matching = host ? d.counts->at_node(node.slot) : d.matching(value);
      sum += static_cast<double>(matching) * weights_[i] + (d.constraint->max_skew - 1);
    }
    return static_cast<int64_t>(std::llround(sum));
  }

  void normalize(std::span<const NodeInfo* const>, std::span<int64_t> scores) const override {
    int64_t low = std::numeric_limits<int64_t>::max(), high = 0;
    for (int64_t score : scores) {
      if (score == kIgnored) continue;
      low = std::min(low, score);
      high = std::max(high, score);
    }
    for (int64_t& score : scores) {
      if (score == kIgnored) {
        score = 0;
      } else {
        score = high == 0 ? kMaxNodeScore : kMaxNodeScore * (high + low - score) / high;
      }
    }
  }

 private:
  // Fewer domains weigh less, so that zones aren't drowned by hosts nor the other way round.
  double weight(const Domain& d, std::span<const NodeInfo* const> feasible) const {
    bool host = d.constraint->topology_key == kHostname;
    std::vector<char> seen(d.counts->key->nodes_with.size());
    int64_t size = 0;
    for (const NodeInfo* node : feasible) {
      if (require_all_ && !has_all_keys(domains_, *node)) continue;
      int value = d.counts->key->value(node->slot);
      if (host) {
        ++size;
      } else if (value >= 0 && !std::exchange(seen[static_cast<size_t>(value)], 1)) {
        ++size;
      }
    }
    return std::log(static_cast<double>(size + 2));
  }

  bool require_all_;
  Constraints constraints_;
  std::vector<Domain> domains_;
  std::vector<double> weights_;
};

std::vector<SpreadConstraint> system_constraints() {
  return {{.topology_key = kHostname, .max_skew = 3, .hard = false},
          {.topology_key = kZone, .max_skew = 5, .hard = false}};
}

// The defaults are for what a pod belongs to; nothing: they say nothing about it.
Constraints constraints_of(const Query& query, bool hard) {
  Constraints made;
  if (!query.pod.spread.empty()) {
    made.own = &query.pod.spread;
    return made;
  }
  made.system = query.args.system_default_spreading;
  if (made.system) {
    if (!hard) made.defaults = system_constraints();
  } else {
    made.defaults = query.args.default_spread;
  }
  if (!made.any(hard)) return {};
  std::optional<LabelMatch> owner = query.snapshot.owner_match(query.pod);
  if (!owner) return {};
  for (SpreadConstraint& constraint : made.defaults) constraint.labels = owner;
  return made;
}

Preparation make_checker(const Query& query) {
  Constraints constraints = constraints_of(query, true);
  if (!constraints.any(true)) return nullptr;
  return std::make_unique<SpreadChecker>(query.pod, query.snapshot, std::move(constraints));
}

std::unique_ptr<Scorer> make_scorer(const Query& query, std::span<const NodeInfo* const> feasible) {
  Constraints constraints = constraints_of(query, false);
  if (!constraints.any(false)) return nullptr;
  return std::make_unique<SpreadScorer>(query.pod, query.snapshot, std::move(constraints),
                                        feasible);
}

// A pod that a constraint counts. (Without constraints of its own the pod has the profile's.)
bool helped_by(const PodInfo& waiting, const PodInfo& moved, const Snapshot&) {
  if (waiting.spread.empty()) return true;
  return waiting.ns == moved.ns &&
         std::ranges::any_of(waiting.spread, [&](const SpreadConstraint& c) {
           return c.hard && c.labels && c.labels->matches(moved.labels);
         });
}

}  // namespace

constinit const Plugin kPodTopologySpread = {.name = "PodTopologySpread",
                                             .weight = 2,
                                             .make_checker = make_checker,
                                             .make_scorer = make_scorer,
                                             .node_local = false,
                                             .helped_by = helped_by};

}  // namespace tiphys::scheduler
