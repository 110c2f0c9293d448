// TaintNodesByCondition: a new node is tainted until it is known to be ready.
// Upstream: plugin/pkg/admission/nodetaint.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kNotReady = "node.kubernetes.io/not-ready";
constexpr std::string_view kNoSchedule = "NoSchedule";

class TaintNodesByCondition : public PlainPlugin {
 public:
  std::string_view name() const override { return "TaintNodesByCondition"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    if (!is_for(request, "", "nodes") || !is_create(request)) return {};
    for (const auto& taint : core_v1::Node(*request.object).spec().taints()) {
      if (taint.key() == kNotReady && taint.effect() == kNoSchedule) return {};
    }
    auto taint = core_v1::NodeEdit(*request.object).edit_spec().edit_taints().append();
    taint.set_key(kNotReady);
    taint.set_effect(kNoSchedule);
    return {};
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_taint_nodes_by_condition(const AdmissionParts&) {
  return std::make_unique<TaintNodesByCondition>();
}

}  // namespace tiphys::apiserver
