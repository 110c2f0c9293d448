// TaintEviction: deletes pods that don't tolerate a NoExecute taint of their node, at once or when
// their tolerationSeconds are over. Upstream: pkg/controller/tainteviction.
#pragma once
#include "controllers/controller.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

class TaintEviction : public Controller {
 public:
  explicit TaintEviction(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& nodes_;
  client::Informer& pods_;
};

// When a pod has to leave a node with these taints: nothing (never), or a time (maybe past).
std::optional<MicroTime> eviction_time(core_v1::Pod pod, const ListView<core_v1::Taint>& taints,
                                       MicroTime now);

}  // namespace tiphys::controllers
