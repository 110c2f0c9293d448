// TaintToleration: NoSchedule and NoExecute taints repel, PreferNoSchedule ones cost score.
#include <algorithm>

#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

bool is_hard(const Taint& taint) {
  return taint.effect == "NoSchedule" || taint.effect == "NoExecute";
}

class TaintChecker : public Checker {
 public:
  explicit TaintChecker(const PodInfo& pod) : pod_(pod) {}
  Verdict check(const NodeInfo& node) const override {
    if (tolerates_hard_taints(pod_, node)) return {};
    return Verdict::no(Verdict::Code::kUnresolvable, "node(s) had untolerated taint(s)");
  }

 private:
  const PodInfo& pod_;
};

class TaintScorer : public Scorer {
 public:
  explicit TaintScorer(const PodInfo& pod) : pod_(pod) {}
  int64_t score(const NodeInfo& node) const override {
    return std::count_if(node.taints.begin(), node.taints.end(), [&](const Taint& taint) {
      return taint.effect == "PreferNoSchedule" &&
             !pod_.tolerates(taint.key, taint.value, taint.effect);
    });
  }
  void normalize(std::span<const NodeInfo* const>, std::span<int64_t> scores) const override {
    scale_to_max(scores, true);
  }

 private:
  const PodInfo& pod_;
};

Preparation make_checker(const Query& query) { return std::make_unique<TaintChecker>(query.pod); }
std::unique_ptr<Scorer> make_scorer(const Query& query, std::span<const NodeInfo* const>) {
  return std::make_unique<TaintScorer>(query.pod);
}

}  // namespace

bool tolerates_hard_taints(const PodInfo& pod, const NodeInfo& node) {
  return std::all_of(node.taints.begin(), node.taints.end(), [&](const Taint& taint) {
    return !is_hard(taint) || pod.tolerates(taint.key, taint.value, taint.effect);
  });
}

constinit const Plugin kTaintToleration = {.name = "TaintToleration",
                                           .weight = 3,
                                           .make_checker = make_checker,
                                           .make_scorer = make_scorer};

}  // namespace tiphys::scheduler
