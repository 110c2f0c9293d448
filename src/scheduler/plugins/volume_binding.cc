// VolumeBinding: a pod's claims can be had from the node: bound volumes by their node affinity,
// others by a free volume or a provisioner. Scores by how well volumes are used, if the arguments
// say how (upstream's alpha StorageCapacityScoring, off by default).
#include <cmath>

#include "scheduler/plugins/plugins.h"
#include "scheduler/volume_matching.h"

namespace tiphys::scheduler {
namespace {

class BindingChecker : public Checker {
 public:
  explicit BindingChecker(std::unique_ptr<ClaimMatcher> matcher) : matcher_(std::move(matcher)) {}
  Verdict check(const NodeInfo& node) const override {
    ClaimMatcher::OnNode found = matcher_->on(node);
    Verdict verdict;
    auto add = [&](bool wrong, std::string_view reason) {
      if (wrong) verdict.add(Verdict::Code::kUnresolvable, reason);
    };
    add(found.affinity_conflict, "node(s) didn't match PersistentVolume's node affinity");
    add(found.unbindable, "node(s) didn't find available persistent volumes to bind");
    add(found.no_space, "node(s) did not have enough free storage");
    add(found.volume_missing,
        "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)");
    return verdict;
  }

 private:
  std::unique_ptr<ClaimMatcher> matcher_;
};

constexpr int64_t kFullUtilization = 100;
constexpr int64_t kMaxShapeScore = 10;

// How much of what a class's volumes hold is asked for.
struct Use {
  int64_t requested = 0;
  int64_t capacity = 0;

  int64_t utilization() const {
    if (capacity == 0 || requested > capacity) return kFullUtilization;
    return static_cast<int64_t>(static_cast<__int128>(requested) * kFullUtilization / capacity);
  }
};

class UseScorer : public Scorer {
 public:
  UseScorer(std::unique_ptr<ClaimMatcher> matcher, const std::vector<ShapePoint>& shape)
      : matcher_(std::move(matcher)), shape_(shape) {}
  int64_t score(const NodeInfo& node) const override {
    std::map<std::string_view, Use> classes = use_on(node);
    if (classes.empty()) return 0;
    int64_t sum = 0;
    for (const auto& [name, use] : classes) sum += at(use.utilization());
    return std::llround(static_cast<double>(sum) / static_cast<double>(classes.size()));
  }

 private:
  std::map<std::string_view, Use> use_on(const NodeInfo& node) const {
    ClaimMatcher::OnNode found = matcher_->on(node);
    std::map<std::string_view, Use> classes;
    for (const ClaimMatcher::Binding& binding : found.bindings) {
      Use& use = classes[binding.volume->class_name];
      use.requested += binding.claim->requested.value_or(0);
      use.capacity += binding.volume->capacity;
    }
    if (!found.bindings.empty()) return classes;
    for (const ClaimMatcher::Provision& provision : found.provisions) {
      if (provision.capacity == nullptr) continue;
      Use& use = classes[provision.claim->class_name];
      use.requested += provision.claim->requested.value_or(0);
      use.capacity = provision.capacity->capacity.value_or(0);
    }
    return classes;
  }
  int64_t at(int64_t utilization) const {
    const int64_t scale = kMaxNodeScore / kMaxShapeScore;
    for (size_t i = 0; i < shape_.size(); ++i) {
      if (utilization > shape_[i].utilization) continue;
      if (i == 0) return shape_[0].score * scale;
      const ShapePoint &from = shape_[i - 1], &to = shape_[i];
      return from.score * scale + (to.score - from.score) * scale *
                                      (utilization - from.utilization) /
                                      (to.utilization - from.utilization);
    }
    return shape_.back().score * scale;
  }
  std::unique_ptr<ClaimMatcher> matcher_;
  const std::vector<ShapePoint>& shape_;
};

Preparation make_checker(const Query& query) {
  if (query.pod.claims.empty()) return nullptr;
  auto matcher = std::make_unique<ClaimMatcher>(query.pod, query.snapshot.volumes());
  if (!matcher->refusal().empty()) return Preparation::refuse(matcher->refusal());
  return std::make_unique<BindingChecker>(std::move(matcher));
}

std::unique_ptr<Scorer> make_scorer(const Query& query, std::span<const NodeInfo* const>) {
  if (query.pod.claims.empty() || query.args.volume_shape.empty()) return nullptr;
  auto matcher = std::make_unique<ClaimMatcher>(query.pod, query.snapshot.volumes());
  if (!matcher->refusal().empty()) return nullptr;
  return std::make_unique<UseScorer>(std::move(matcher), query.args.volume_shape);
}

}  // namespace

constinit const Plugin kVolumeBinding = {
    .name = "VolumeBinding", .weight = 1, .make_checker = make_checker, .make_scorer = make_scorer};

}  // namespace tiphys::scheduler
