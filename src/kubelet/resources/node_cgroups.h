// NodeCgroups: keeps the groups above the pods' (kubepods, its QoS classes, reserved ones) at their
// limits.
//
// Loop thread only; files are written on the pool, and only where a limit has changed. Everything
// it references outlives it.
#pragma once
#include <string>

#include "async/gate.h"
#include "kubelet/node/node_keeper.h"
#include "kubelet/pods/pod_manager.h"
#include "kubelet/resources/tiers.h"

namespace tiphys::kubelet {

class NodeCgroups {
 public:
  NodeCgroups(NodeServices& node, const PodManager& pods, const NodeKeeper& keeper)
      : node_(node), pods_(pods), keeper_(keeper), gate_(node.loop) {}
  void start();
  Task<void> stop();
  // Gives the groups of the QoS classes what their pods need now.
  Task<void> update_tiers();

 private:
  Task<void> run();
  Task<bool> enforce();
  Task<bool> enforce_group(GroupLimits group, std::string success, std::string failure);

  NodeServices& node_;
  const PodManager& pods_;
  const NodeKeeper& keeper_;
  Gate gate_;
  StopSource stop_;
  std::vector<GroupLimits> written_;
};

}  // namespace tiphys::kubelet
