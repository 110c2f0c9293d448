// What an extender's answers mean. Pure; answers are hostile.
//
// JSON is read as Go reads k8s.io/kube-scheduler/extender/v1: names of members in any case, unknown
// ones passed over, null as absent. Errors are Go's or upstream's words.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/extender_config.h"
#include "scheduler/preemption.h"

namespace tiphys::scheduler {

// Reasons are cut to this: they become part of a pod's status.
inline constexpr size_t kMaxReasonBytes = 1024;

struct NodeRejection {
  std::string reason;
  bool unresolvable = false;  // removing pods from the node would not help
};
struct Filtered {
  std::vector<std::string> nodes;                 // that pass
  std::map<std::string, NodeRejection> rejected;  // others may have gone without a word
};
// ExtenderFilterResult to a question about `offered`. Nodes that pass keep that order; words about
// nodes that weren't offered are passed over. Error: a node passes that wasn't offered.
Result<Filtered> read_filter_answer(const ExtenderConfig& extender,
                                    std::span<const std::string> offered, std::string_view body);

// HostPriorityList: the scores by node, weighted and in the scale of the plugins' total; such that
// would not fit 64 bits are cut.
Result<std::map<std::string, int64_t>> read_priorities(const ExtenderConfig& extender,
                                                       std::string_view body);
int64_t saturating_add(int64_t a, int64_t b);

// ExtenderPreemptionResult. Errors: a node that doesn't exist, a pod that isn't on its node, a node
// without victims (not an error if the extender is ignorable: the node is left out).
Result<std::vector<Candidate>> read_preemption_answer(const ExtenderConfig& extender,
                                                      const Snapshot& snapshot,
                                                      std::string_view body);

// ExtenderBindingResult: its Error, if it has one.
Result<void> read_binding_answer(std::string_view body);

}  // namespace tiphys::scheduler
