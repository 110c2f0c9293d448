// NodeAffinity: nodeSelector and required terms filter, preferred terms score; the profile may add
// terms to every pod's. Terms that name nodes (as DaemonSet pods do) limit the search to those.
#include <algorithm>

#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

using Operator = Requirement::Operator;

// The names a term allows; nullopt: it doesn't say.
std::optional<std::vector<std::string>> names_of(const NodeTerm& term) {
  std::optional<std::vector<std::string>> names;
  for (const Requirement& field : term.name_fields) {
    if (field.op != Operator::kIn) continue;
    std::vector<std::string> allowed;
    for (const std::string& value : field.values) {
      bool kept = !names || std::find(names->begin(), names->end(), value) != names->end();
      if (kept) allowed.push_back(value);
    }
    names = std::move(allowed);
  }
  return names;
}

std::optional<std::vector<std::string>> names_of(const PodInfo& pod) {
  if (pod.required_terms.empty()) return std::nullopt;
  std::vector<std::string> all;
  for (const NodeTerm& term : pod.required_terms) {
    std::optional<std::vector<std::string>> names = names_of(term);
    if (!names) return std::nullopt;
    all.insert(all.end(), names->begin(), names->end());
  }
  return all;
}

bool any_matches(const std::vector<NodeTerm>& terms, const NodeInfo& node) {
  return std::ranges::any_of(
      terms, [&](const NodeTerm& term) { return term.matches(node.labels, node.name); });
}

bool has_wishes(const PodInfo& pod) {
  return !pod.node_selector.requirements.empty() || pod.has_required_terms;
}

class AffinityChecker : public Checker {
 public:
  explicit AffinityChecker(const Query& query)
      : pod_(query.pod), args_(query.args), names_(names_of(query.pod)) {}
  Verdict check(const NodeInfo& node) const override {
    if (args_.has_added_terms && !any_matches(args_.added_terms, node)) {
      return Verdict::no(Verdict::Code::kUnresolvable,
                         "node(s) didn't match scheduler-enforced node affinity");
    }
    if (pod_.selects(node.labels, node.name)) return {};
    return Verdict::no(Verdict::Code::kUnresolvable,
                       "node(s) didn't match Pod's node affinity/selector");
  }
  const std::vector<std::string>* only_nodes() const override {
    return names_ ? &*names_ : nullptr;
  }

 private:
  const PodInfo& pod_;
  const PluginArgs& args_;
  std::optional<std::vector<std::string>> names_;
};

class AffinityScorer : public Scorer {
 public:
  explicit AffinityScorer(const Query& query) : pod_(query.pod), args_(query.args) {}
  int64_t score(const NodeInfo& node) const override {
    return sum(args_.added_preferred_terms, node) + sum(pod_.preferred_terms, node);
  }
  void normalize(std::span<const NodeInfo* const>, std::span<int64_t> scores) const override {
    scale_to_max(scores, false);
  }

 private:
  static int64_t sum(const std::vector<WeightedNodeTerm>& terms, const NodeInfo& node) {
    int64_t total = 0;
    for (const WeightedNodeTerm& preferred : terms) {
      if (preferred.term.matches(node.labels, node.name)) total += preferred.weight;
    }
    return total;
  }
  const PodInfo& pod_;
  const PluginArgs& args_;
};

Preparation make_checker(const Query& query) {
  if (!has_wishes(query.pod) && !query.args.has_added_terms) return nullptr;
  auto checker = std::make_unique<AffinityChecker>(query);
  const std::vector<std::string>* names = checker->only_nodes();
  if (names != nullptr && names->empty()) return Preparation::refuse("pod affinity terms conflict");
  return checker;
}
std::unique_ptr<Scorer> make_scorer(const Query& query, std::span<const NodeInfo* const>) {
  if (query.pod.preferred_terms.empty() && query.args.added_preferred_terms.empty()) return nullptr;
  return std::make_unique<AffinityScorer>(query);
}

}  // namespace

constinit const Plugin kNodeAffinity = {
    .name = "NodeAffinity", .weight = 2, .make_checker = make_checker, .make_scorer = make_scorer};

}  // namespace tiphys::scheduler
