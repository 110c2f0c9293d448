#include "controllers/node_ttl.h"

#include <limits>

#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kTtl = "node.alpha.kubernetes.io/ttl";

struct Step {
  size_t min_nodes;
  size_t max_nodes;
  int64_t seconds;
};
constexpr Step kSteps[] = {{0, 100, 0},
                           {90, 500, 15},
                           {450, 1000, 30},
                           {900, 2000, 60},
                           {1800, std::numeric_limits<size_t>::max(), 300}};

}  // namespace

int64_t TtlSteps::seconds_for(size_t nodes) {
  while (nodes > kSteps[step_].max_nodes) ++step_;
  while (nodes < kSteps[step_].min_nodes) --step_;
  return kSteps[step_].seconds;
}

NodeTtl::NodeTtl(Context context)
    : Controller(context, "ttl-controller", 1), nodes_(watch(nodes())) {
  nodes_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (now) enqueue(*now);
    if (old && now) return;
    int64_t seconds = steps_.seconds_for(nodes_.size());
    if (std::exchange(told_, seconds) == seconds) return;
    for (const ObjectPtr& node : nodes_.list()) enqueue(*node);
  });
}

Decision NodeTtl::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr node = nodes_.get("", key);
  std::string wanted = std::to_string(told_);
  if (!node || metadata(*node).annotations().find(kTtl) == wanted) return decision;
  // A patch: the other controllers of nodes write them at the same time.
  decision.add(patch_action(nodes(), node,
                            R"({"metadata":{"uid":")" + std::string(metadata(*node).uid()) +
                                R"(","annotations":{")" + std::string(kTtl) + R"(":")" + wanted +
                                R"("}}})"));
  return decision;
}

}  // namespace tiphys::controllers
