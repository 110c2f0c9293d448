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

// A kubelet renews every 10 s; what matters here is that it is within --node-monitor-grace-period
// (50 s).
inline constexpr Duration kUsualHeartbeat = std::chrono::seconds(30);

class ModelNodes {
 public:
  // The pieces outlive it. `reaction`: how long after an event a kubelet acts.
  ModelNodes(Loop& loop, client::Client& client, Random& random,
             Duration reaction = std::chrono::milliseconds(200));
  ~ModelNodes();  // Requires: never started, or stop() finished
  void start();
  Task<void> stop();

  // How often a kubelet renews its Lease; before the first up().
  void set_heartbeat(Duration interval) { heartbeat_ = interval; }
  // Registers a node and keeps it; after down(): it comes back.
  void up(const std::string& name);
  // The machine is lost: nothing is renewed and no pod moves; the node object stays.
  void down(const std::string& name);

 private:
  bool is_up(std::string_view name) const;
  bool is_registered(const std::string& name) const;
  Task<void> keep(std::string name);
  Task<Result<void>> register_node(std::string name);
  Task<void> renew(std::string name);
  Task<Result<ObjectPtr>> put_lease(std::string name, ObjectPtr known);
  Task<void> act(std::string key);
  Task<void> finish_deleted(ObjectPtr pod);
  ModelPod& model_of(const Object& pod);
  void look_in(const std::string& key, Duration delay);

  Loop& loop_;
  client::Client& client_;
  Duration reaction_;
  Duration heartbeat_ = kUsualHeartbeat;
  client::InformerFactory informers_;
  client::Informer& pods_;
  client::Informer& node_objects_;
  std::map<std::string, bool, std::less<>> nodes_;  // by name: up
  std::map<std::string, ObjectPtr> leases_;         // by node's name, as last written
  std::map<std::string, ModelPod> models_;          // by uid
  std::map<std::string, Loop::TimerId> timers_;     // by key
  Gate gate_;
  StopSource stop_;
  int next_ip_ = 0;
};

}  // namespace tiphys::control
