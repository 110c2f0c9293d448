// Framework: the shape of a scheduling plugin.
//
// A plugin prepares once per pod what all nodes share and answers a checker or scorer, or null if
// it has nothing to say about the pod, or a refusal that goes for every node. Checkers and scorers
// borrow pod, snapshot and arguments and live for one decision. Behaviour and messages:
// k8s.io/kubernetes/pkg/scheduler/framework/plugins v1.35.
#pragma once
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/plugin_args.h"
#include "scheduler/snapshot.h"

namespace tiphys::scheduler {

inline constexpr int64_t kMaxNodeScore = 100;

struct Verdict {
  enum class Code : uint8_t {
    kFits,
    kUnschedulable,  // removing pods from the node might help
    kUnresolvable,   // it would not
  };
  static constexpr size_t kMaxReasons = 6;
  Code code = Code::kFits;
  uint8_t count = 0;
  std::array<std::string_view, kMaxReasons> reasons;  // static, or owned by the checker

  bool fits() const { return code == Code::kFits; }
  void add(Code worst, std::string_view reason) {
    code = std::max(code, worst);
    if (count < kMaxReasons) reasons[count++] = reason;
  }
  static Verdict no(Code code, std::string_view reason) {
    Verdict verdict;
    verdict.add(code, reason);
    return verdict;
  }
};

class Checker {
 public:
  virtual ~Checker() = default;
  virtual Verdict check(const NodeInfo& node) const = 0;
  // If set, only these nodes can pass (the others are not looked at).
  virtual const std::vector<std::string>* only_nodes() const { return nullptr; }
};

class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual int64_t score(const NodeInfo& node) const = 0;
  // Brings the raw scores of all feasible nodes into 0..kMaxNodeScore.
  virtual void normalize(std::span<const NodeInfo* const> nodes, std::span<int64_t> scores) const {}
};

struct Query {
  const PodInfo& pod;
  const Snapshot& snapshot;
  const PluginArgs& args;
};

// What make_checker answers (upstream's PreFilter).
struct Preparation {
  std::unique_ptr<Checker> checker;  // null: every node will do
  // Not empty: no node will do, in upstream's words ("persistentvolumeclaim \"a\" not found").
  std::string refusal;
  // Whether removing pods might help against the refusal (upstream: Unschedulable).
  bool preemption_may_help = false;

  Preparation() = default;
  Preparation(std::nullptr_t) {}
  template <class T>
  Preparation(std::unique_ptr<T> made) : checker(std::move(made)) {}
  static Preparation refuse(std::string why, bool preemption_may_help = false) {
    Preparation answer;
    answer.refusal = std::move(why);
    answer.preemption_may_help = preemption_may_help;
    return answer;
  }
};

struct Plugin {
  std::string_view name;
  int64_t weight = 0;  // by default
  Preparation (*make_checker)(const Query&) = nullptr;
  std::unique_ptr<Scorer> (*make_scorer)(const Query&,
                                         std::span<const NodeInfo* const> feasible) = nullptr;
  // What a rejected pod waits for (upstream's queueing hints, KEP-4247). Its verdict on a node
  // depends on that node alone; else (false) on other nodes, objects and pods as well: of pods that
  // come to or leave a node, those for which `helped_by` is true (null: any) may turn it.
  bool node_local = true;
  bool (*helped_by)(const PodInfo& waiting, const PodInfo& moved, const Snapshot&) = nullptr;
};

// Scales so that the largest becomes kMaxNodeScore; reverse: the smallest is best.
void scale_to_max(std::span<int64_t> scores, bool reverse);

}  // namespace tiphys::scheduler
