// NodeResourcesFit: requests must fit into what is left; less allocated nodes score higher.
#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

using Code = Verdict::Code;

class FitChecker : public Checker {
 public:
  explicit FitChecker(const PodInfo& pod) : pod_(pod) {
    for (const auto& [name, amount] : pod.requests.others) {
      if (amount > 0) others_.push_back({name, amount, "Insufficient " + name});
    }
  }

  Verdict check(const NodeInfo& node) const override {
    Verdict verdict;
    if (static_cast<int64_t>(node.pods.size()) + 1 > node.allocatable.pods) {
      verdict.add(Code::kUnschedulable, "Too many pods");
    }
    const Resources &want = pod_.requests, &have = node.allocatable, &used = node.requested;
    compare(verdict, want.milli_cpu, have.milli_cpu, used.milli_cpu, "Insufficient cpu");
    compare(verdict, want.memory, have.memory, used.memory, "Insufficient memory");
    compare(verdict, want.ephemeral_storage, have.ephemeral_storage, used.ephemeral_storage,
            "Insufficient ephemeral-storage");
    for (const Other& other : others_) {
      compare(verdict, other.amount, have.other(other.name), used.other(other.name), other.reason);
    }
    return verdict;
  }

 private:
  struct Other {
    std::string name;
    int64_t amount;
    std::string reason;
  };
  static void compare(Verdict& verdict, int64_t want, int64_t have, int64_t used,
                      std::string_view reason) {
    if (want <= 0 || want <= have - used) return;
    verdict.add(want > have ? Code::kUnresolvable : Code::kUnschedulable, reason);
  }

  const PodInfo& pod_;
  std::vector<Other> others_;
};

class LeastAllocatedScorer : public Scorer {
 public:
  explicit LeastAllocatedScorer(const PodInfo& pod) : pod_(pod) {}
  int64_t score(const NodeInfo& node) const override {
    int64_t sum = 0, weights = 0;
    add(sum, weights, node.allocatable.milli_cpu, node.nonzero_milli_cpu + pod_.nonzero_milli_cpu);
    add(sum, weights, node.allocatable.memory, node.nonzero_memory + pod_.nonzero_memory);
    return weights == 0 ? 0 : sum / weights;
  }

 private:
  static void add(int64_t& sum, int64_t& weights, int64_t capacity, int64_t used) {
    if (capacity == 0) return;
    ++weights;
    if (used > capacity) return;
    // As doubles would: amounts of memory times 100 stay below 2^63 up to 80 PB.
    sum += (capacity - used) * kMaxNodeScore / capacity;
  }
  const PodInfo& pod_;
};

Preparation make_checker(const Query& query) { return std::make_unique<FitChecker>(query.pod); }
std::unique_ptr<Scorer> make_scorer(const Query& query, std::span<const NodeInfo* const>) {
  return std::make_unique<LeastAllocatedScorer>(query.pod);
}

}  // namespace

constinit const Plugin kNodeResourcesFit = {.name = "NodeResourcesFit",
                                            .weight = 1,
                                            .make_checker = make_checker,
                                            .make_scorer = make_scorer};

}  // namespace tiphys::scheduler
