// NodeResourcesBalancedAllocation: a node's resources should fill up alike: the less their used
// fractions deviate, the better.
#include <algorithm>
#include <cmath>

#include "scheduler/plugins/plugins.h"
#include "scheduler/plugins/scored_resources.h"

namespace tiphys::scheduler {
namespace {

class BalanceScorer : public Scorer {
 public:
  explicit BalanceScorer(std::vector<ScoredResource> resources)
      : resources_(std::move(resources)), fractions_(resources_.size()) {}
  int64_t score(const NodeInfo& node) const override {
    size_t count = 0;
    for (const ScoredResource& resource : resources_) {
      ScoredResource::Fill fill = resource.on(node);
      if (fill.capacity != 0) fractions_[count++] = fraction(fill);
    }
    return static_cast<int64_t>((1 - deviation({fractions_.data(), count})) *
                                static_cast<double>(kMaxNodeScore));
  }

 private:
  static double fraction(const ScoredResource::Fill& fill) {
    return std::min(1.0, static_cast<double>(fill.used) / static_cast<double>(fill.capacity));
  }
  // Standard deviation.
  static double deviation(std::span<const double> fractions) {
    if (fractions.size() < 2) return 0;
    if (fractions.size() == 2) return std::abs((fractions[0] - fractions[1]) / 2);
    double mean = 0, squares = 0;
    for (double f : fractions) mean += f;
    mean /= static_cast<double>(fractions.size());
    for (double f : fractions) squares += (f - mean) * (f - mean);
    return std::sqrt(squares / static_cast<double>(fractions.size()));
  }
  std::vector<ScoredResource> resources_;
  mutable std::vector<double> fractions_;  // of the node at hand
};

// Pods that ask for none of the resources would all go to the same node: they are not scored.
std::unique_ptr<Scorer> make(const Query& query, std::span<const NodeInfo* const>) {
  auto resources = scored_resources(query.args.balanced_resources, query.pod, false);
  bool asks = std::ranges::any_of(resources, [](const ScoredResource& r) { return r.want != 0; });
  if (!asks) return nullptr;
  return std::make_unique<BalanceScorer>(std::move(resources));
}

}  // namespace

constinit const Plugin kNodeResourcesBalancedAllocation = {
    .name = "NodeResourcesBalancedAllocation", .weight = 1, .make_scorer = make};

}  // namespace tiphys::scheduler
