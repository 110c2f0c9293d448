// NodeName: a pod that names its node fits nowhere else.
#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

class NameChecker : public Checker {
 public:
  explicit NameChecker(std::string_view name) : name_(name) {}
  Verdict check(const NodeInfo& node) const override {
    if (node.name == name_) return {};
    return Verdict::no(Verdict::Code::kUnresolvable,
                       "node(s) didn't match the requested node name");
  }

 private:
  std::string_view name_;
};

Preparation make(const Query& query) {
  if (query.pod.node_name.empty()) return nullptr;
  return std::make_unique<NameChecker>(query.pod.node_name);
}

}  // namespace

constinit const Plugin kNodeName = {.name = "NodeName", .make_checker = make};

}  // namespace tiphys::scheduler
