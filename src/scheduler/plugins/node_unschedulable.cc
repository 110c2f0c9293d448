// NodeUnschedulable: cordoned nodes take only pods that tolerate it.
#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

class UnschedulableChecker : public Checker {
 public:
  Verdict check(const NodeInfo& node) const override {
    if (!node.unschedulable) return {};
    return Verdict::no(Verdict::Code::kUnresolvable, "node(s) were unschedulable");
  }
};

Preparation make(const Query& query) {
  if (query.pod.tolerates("node.kubernetes.io/unschedulable", "", "NoSchedule")) return nullptr;
  return std::make_unique<UnschedulableChecker>();
}

}  // namespace

constinit const Plugin kNodeUnschedulable = {.name = "NodeUnschedulable", .make_checker = make};

}  // namespace tiphys::scheduler
