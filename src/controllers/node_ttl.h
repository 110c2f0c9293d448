// NodeTtl: the annotation node.alpha.kubernetes.io/ttl of every node: for how many seconds kubelets
// may cache Secrets and ConfigMaps, the longer the more nodes there are.
// Upstream: pkg/controller/ttl ("ttl-controller").
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

// Steps of cluster size; it has to shrink well below a step before the step is left. Pure.
class TtlSteps {
 public:
  int64_t seconds_for(size_t nodes);  // follows the size to its step

 private:
  size_t step_ = 0;
};

class NodeTtl : public Controller {
 public:
  explicit NodeTtl(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& nodes_;
  TtlSteps steps_;
  int64_t told_ = 0;
};

}  // namespace tiphys::controllers
