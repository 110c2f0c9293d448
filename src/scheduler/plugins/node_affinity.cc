// NodeAffinity: nodeSelector and required terms filter, preferred terms score. Terms that name
// nodes (as DaemonSet pods do) limit the search to those.
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
  if (!pod.has_required_terms) return std::nullopt;
  std::vector<std::string> all;
  for (const NodeTerm& term : pod.required_terms) {
    std::optional<std::vector<std::string>> names = names_of(term);
    if (!names) return std::nullopt;
    all.insert(all.end(), names->begin(), names->end());
  }
  return all;
}

class AffinityChecker : public Checker {
 public:
  explicit AffinityChecker(const PodInfo& pod) : pod_(pod), names_(names_of(pod)) {}
  Verdict check(const NodeInfo& node) const override {
    if (pod_.selects(node.labels, node.name)) return {};
    return Verdict::no(Verdict::Code::kUnresolvable,
                       "node(s) didn't match Pod's node affinity/selector");
  }
  const std::vector<std::string>* only_nodes() const override {
    return names_ ? &*names_ : nullptr;
  }

 private:
  const PodInfo& pod_;
  std::optional<std::vector<std::string>> names_;
};

class AffinityScorer : public Scorer {
 public:
  explicit AffinityScorer(const PodInfo& pod) : pod_(pod) {}
  int64_t score(const NodeInfo& node) const override {
    int64_t sum = 0;
    for (const WeightedNodeTerm& preferred : pod_.preferred_terms) {
      if (preferred.term.matches(node.labels, node.name)) sum += preferred.weight;
    }
    return sum;
  }
  void normalize(std::span<const NodeInfo* const>, std::span<int64_t> scores) const override {
    scale_to_max(scores, false);
  }

 private:
  const PodInfo& pod_;
};

Preparation make_checker(const Query& query) {
  if (query.pod.node_selector.requirements.empty() && !query.pod.has_required_terms) return nullptr;
  return std::make_unique<AffinityChecker>(query.pod);
}
std::unique_ptr<Scorer> make_scorer(const Query& query, std::span<const NodeInfo* const>) {
  if (query.pod.preferred_terms.empty()) return nullptr;
  return std::make_unique<AffinityScorer>(query.pod);
}

}  // namespace

constinit const Plugin kNodeAffinity = {
    .name = "NodeAffinity", .weight = 2, .make_checker = make_checker, .make_scorer = make_scorer};

}  // namespace tiphys::scheduler
