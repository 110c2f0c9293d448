// TaintEviction: deletes pods that don't tolerate a NoExecute taint of their node, at once or when
// their tolerationSeconds are over. Upstream: pkg/controller/tainteviction.
#pragma once
#include <map>
#include <string>

#include "controllers/controller.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

// When taints that don't say so themselves were first seen, by "key=value".
using TaintTimes = std::map<std::string, MicroTime>;

// When a pod has to leave a node with these taints: nothing (never), or a time (maybe past).
// tolerationSeconds count from when both were there, the taint and the pod.
std::optional<MicroTime> eviction_time(core_v1::Pod pod, const ListView<core_v1::Taint>& taints,
                                       MicroTime now, const TaintTimes& seen = {});

class TaintEviction : public Controller {
 public:
  explicit TaintEviction(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  void node_changed(const ObjectPtr& old, const ObjectPtr& now);
  void evict(Decision& decision, const ObjectPtr& pod, MicroTime when, MicroTime now) const;

  client::Informer& nodes_;
  client::Informer& pods_;
  std::map<std::string, std::string> waiting_;  // pods that will be evicted: uid by key
  std::map<std::string, TaintTimes> seen_;      // by node
};

}  // namespace tiphys::controllers
