// NodePorts: host ports that other pods of the node hold are taken.
#include <algorithm>

#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

class PortsChecker : public Checker {
 public:
  explicit PortsChecker(const PodInfo& pod) : pod_(pod) {}
  Verdict check(const NodeInfo& node) const override {
    for (const HostPort& used : node.used_ports) {
      bool taken = std::any_of(pod_.ports.begin(), pod_.ports.end(),
                               [&](const HostPort& wanted) { return wanted.conflicts(used); });
      if (!taken) continue;
      return Verdict::no(Verdict::Code::kUnschedulable,
                         "node(s) didn't have free ports for the requested pod ports");
    }
    return {};
  }

 private:
  const PodInfo& pod_;
};

Preparation make(const Query& query) {
  if (query.pod.ports.empty()) return nullptr;
  return std::make_unique<PortsChecker>(query.pod);
}

}  // namespace

constinit const Plugin kNodePorts = {.name = "NodePorts", .make_checker = make};

}  // namespace tiphys::scheduler
