// ModelNodes: the kubelets of a model cluster, over any Transport and loop: each registers its
// node, renews its Lease, and takes pods through their life without a runtime (model_pod.h). For
// tests only; loop thread only.
#pragma once
#include <map>
#include <set>
#include <string>

#include "async/gate.h"
#include "client/informer.h"
#include "tests/control/model_pod.h"

namespace tiphys::control {

class ModelNodes {
 public:
  // The pieces outlive it. `reaction`: how long after an event a kubelet acts.
  ModelNodes(Loop& loop, client::Client& client, Random& random,
             Duration reaction = std::chrono::milliseconds(200));
  ~ModelNodes();  // Requires: never started, or stop() finished
  void start();
  Task<void> stop();

  // Registers a node and keeps it; after down(): it comes back.
  void up(const std::string& name);
  // The machine is lost: nothing is renewed and no pod moves; the node object stays.
  void down(const std::string& name);

 private:
  bool is_up(std::string_view name) const;
  Task<void> keep(std::string name);
  Task<Result<void>> register_node(std::string name);
  Task<void> renew(std::string name);
  Task<void> act(std::string key);
  Task<void> finish_deleted(ObjectPtr pod);
  ModelPod& model_of(const Object& pod);
  void look_in(const std::string& key, Duration delay);

  Loop& loop_;
  client::Client& client_;
  Duration reaction_;
  client::InformerFactory informers_;
  client::Informer& pods_;
  std::map<std::string, bool, std::less<>> nodes_;  // by name: up
  std::map<std::string, ModelPod> models_;          // by uid
  std::map<std::string, Loop::TimerId> timers_;     // by key
  Gate gate_;
  StopSource stop_;
  int next_ip_ = 0;
};

}  // namespace tiphys::control
