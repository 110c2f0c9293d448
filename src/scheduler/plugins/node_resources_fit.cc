// NodeResourcesFit: requests must fit into what is left; the score is one of three strategies.
#include <algorithm>
#include <cmath>
#include <limits>

#include "scheduler/plugins/plugins.h"
#include "scheduler/plugins/scored_resources.h"

namespace tiphys::scheduler {
namespace {

using Code = Verdict::Code;

bool holds(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

// Native resources ("hugepages-2Mi", "kubernetes.io/x") are never ignored.
bool ignored(std::string_view name, const FitArgs& args) {
  if (args.ignored_resources.empty() && args.ignored_resource_groups.empty()) return false;
  size_t slash = name.find('/');
  if (slash == std::string_view::npos || name.find("kubernetes.io/") != std::string_view::npos) {
    return false;
  }
  return holds(args.ignored_resources, name) ||
         holds(args.ignored_resource_groups, name.substr(0, slash));
}

class FitChecker : public Checker {
 public:
  FitChecker(const PodInfo& pod, const FitArgs& args) : pod_(pod) {
    for (const auto& [name, amount] : pod.requests.others) {
      if (amount <= 0 || ignored(name, args)) continue;
      others_.push_back({name, amount, "Insufficient " + name});
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

// ---- scoring ----

using Fill = ScoredResource::Fill;

// Shares of 100; amounts are brought down where that would overflow.
int64_t percent(int64_t part, int64_t whole) {
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max() / kMaxNodeScore;
  if (whole <= kLargest) return part * kMaxNodeScore / whole;
  return (part >> 7) * kMaxNodeScore / (whole >> 7);
}

struct LeastAllocated {
  explicit LeastAllocated(const FitArgs&) {}
  int64_t score(const Fill& fill) const {
    return fill.used > fill.capacity ? 0 : percent(fill.capacity - fill.used, fill.capacity);
  }
  static bool counts(int64_t) { return true; }
  static int64_t mean(int64_t sum, int64_t weights) { return sum / weights; }
};

struct MostAllocated {
  explicit MostAllocated(const FitArgs&) {}
  // Pods without requests count as a bit: more may be used than there is.
  int64_t score(const Fill& fill) const {
    return percent(std::min(fill.used, fill.capacity), fill.capacity);
  }
  static bool counts(int64_t) { return true; }
  static int64_t mean(int64_t sum, int64_t weights) { return sum / weights; }
};

// A function of the utilization: linear between the points of a shape.
struct RequestedToCapacityRatio {
  explicit RequestedToCapacityRatio(const FitArgs& args) : shape(args.shape) {}
  int64_t score(const Fill& fill) const {
    constexpr int64_t kScale = 10;  // of the points' scores, which go up to 10
    int64_t at = fill.used > fill.capacity ? 100 : percent(fill.used, fill.capacity);
    for (size_t i = 0; i < shape.size(); ++i) {
      if (at > shape[i].utilization) continue;
      int64_t high = shape[i].score * kScale;
      if (i == 0) return high;
      int64_t low = shape[i - 1].score * kScale, from = shape[i - 1].utilization;
      return low + (high - low) * (at - from) / (shape[i].utilization - from);
    }
    return shape.empty() ? 0 : shape.back().score * kScale;
  }
  static bool counts(int64_t score) { return score > 0; }
  static int64_t mean(int64_t sum, int64_t weights) {
    return std::llround(static_cast<double>(sum) / static_cast<double>(weights));
  }
  const std::vector<ShapePoint>& shape;
};

// The weighted mean over the resources that the node has.
template <class Strategy>
class FitScorer : public Scorer {
 public:
  explicit FitScorer(const Query& query)
      : strategy_(query.args.fit),
        resources_(scored_resources(query.args.fit.resources, query.pod, true)) {}
  int64_t score(const NodeInfo& node) const override {
    int64_t sum = 0, weights = 0;
    for (const ScoredResource& resource : resources_) {
      Fill fill = resource.on(node);
      if (fill.capacity == 0) continue;
      int64_t score = strategy_.score(fill);
      if (!Strategy::counts(score)) continue;
      sum += score * resource.weight;
      weights += resource.weight;
    }
    return weights == 0 ? 0 : Strategy::mean(sum, weights);
  }

 private:
  Strategy strategy_;
  std::vector<ScoredResource> resources_;
};

Preparation make_checker(const Query& query) {
  return std::make_unique<FitChecker>(query.pod, query.args.fit);
}
std::unique_ptr<Scorer> make_scorer(const Query& query, std::span<const NodeInfo* const>) {
  switch (query.args.fit.strategy) {
    case FitArgs::Strategy::kLeastAllocated:
      return std::make_unique<FitScorer<LeastAllocated>>(query);
    case FitArgs::Strategy::kMostAllocated:
      return std::make_unique<FitScorer<MostAllocated>>(query);
    case FitArgs::Strategy::kRequestedToCapacityRatio:
      return std::make_unique<FitScorer<RequestedToCapacityRatio>>(query);
  }
  return nullptr;
}

}  // namespace

constinit const Plugin kNodeResourcesFit = {.name = "NodeResourcesFit",
                                            .weight = 1,
                                            .make_checker = make_checker,
                                            .make_scorer = make_scorer};

}  // namespace tiphys::scheduler
