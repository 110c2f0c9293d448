// NodeKeeper: registers this node once, at its start, keeps its lease (renewed every 10 s) and its
// status (on change, else every 5 min), and waits for its pod network. A Node that is deleted
// meanwhile isn't registered again; one that somebody makes in its place is kept as before.
//
// Loop thread only. An API that is away only delays; nothing here ever ends. What isn't settled yet
// (no runtime, no pod range) is looked at soon, then at longer and longer intervals.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "async/gate.h"
#include "async/pool.h"
#include "client/client.h"
#include "kubelet/network/masquerade_watch.h"
#include "kubelet/node/node_object.h"
#include "kubelet/runtime/containerd.h"

namespace tiphys::kubelet {

class NodeKeeper {
 public:
  NodeKeeper(Loop& loop, WorkerPool& pool, client::Client& client, Runtime& runtime,
             Containerd& containerd, Options options);
  // Fills in options that are to be found out (name, address): blocks shortly; before start().
  static void complete(Options& options);
  void start(uint16_t kubelet_port);
  Task<void> stop();

  const NodeFacts& facts() const { return facts_; }
  // The node as the API last showed it; null before it is registered, and once somebody deleted it.
  const ObjectPtr& node() const { return node_; }
  bool network_ready() const { return network_ready_; }
  void on_network_ready(std::function<void()> callback) { network_changed_ = std::move(callback); }
  // Somebody else had changed the network's nftables (named), which are made anew.
  void on_network_repaired(std::function<void(const std::string& tables)> callback) {
    network_repaired_ = std::move(callback);
  }
  // The MTU of pods from now on (of the pod network that is configured here).
  void set_pod_mtu(int mtu);
  // Brings the status up to date soon (the runtime came or went).
  void wake() { wake_.set(); }

 private:
  Task<void> run();
  Task<bool> register_node();
  Task<void> refresh_facts();
  Task<void> update_status();
  void note_deletion();
  std::string pod_cidr() const;
  Task<void> follow_pod_cidr();
  Task<bool> is_edited(PodNetwork network);
  Task<void> keep_lease();
  Task<Result<void>> renew_lease();
  Task<Result<void>> make_lease();
  Task<void> observe_runtime();

  Loop& loop_;
  WorkerPool& pool_;
  client::Client& client_;
  Runtime& runtime_;
  Containerd& containerd_;
  Options options_;
  Gate gate_;
  StopSource stop_;
  Event wake_;
  NodeFacts facts_;
  ObjectPtr node_;
  ObjectPtr lease_;
  MicroTime reported_at_ = 0;
  bool network_ready_ = false;
  std::string applied_cidr_;
  std::string network_problem_;  // why the pod network isn't set up; "": it is, or no range yet
  int pod_mtu_ = 0;              // 0: as the machine has it
  int applied_mtu_ = 0;
  std::shared_ptr<MasqueradeWatch> masquerade_ =
      std::make_shared<MasqueradeWatch>();  // on the pool
  std::function<void()> network_changed_;
  std::function<void(const std::string&)> network_repaired_;
};

}  // namespace tiphys::kubelet
