// NodeResourcesBalancedAllocation: cpu and memory should fill up alike.
#include <algorithm>
#include <cmath>

#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

class BalanceScorer : public Scorer {
 public:
  explicit BalanceScorer(const PodInfo& pod) : pod_(pod) {}
  int64_t score(const NodeInfo& node) const override {
    const Resources &have = node.allocatable, &used = node.requested, &want = pod_.requests;
    if (have.milli_cpu == 0 || have.memory == 0) return kMaxNodeScore;
    double cpu = fraction(used.milli_cpu + want.milli_cpu, have.milli_cpu);
    double memory = fraction(used.memory + want.memory, have.memory);
    double deviation = std::abs(cpu - memory) / 2;
    return static_cast<int64_t>((1 - deviation) * static_cast<double>(kMaxNodeScore));
  }

 private:
  static double fraction(int64_t used, int64_t capacity) {
    return std::min(1.0, static_cast<double>(used) / static_cast<double>(capacity));
  }
  const PodInfo& pod_;
};

std::unique_ptr<Scorer> make(const Query& query, std::span<const NodeInfo* const>) {
  if (query.pod.requests.milli_cpu == 0 && query.pod.requests.memory == 0) return nullptr;
  return std::make_unique<BalanceScorer>(query.pod);
}

}  // namespace

constinit const Plugin kNodeResourcesBalancedAllocation = {
    .name = "NodeResourcesBalancedAllocation", .weight = 1, .make_scorer = make};

}  // namespace tiphys::scheduler
