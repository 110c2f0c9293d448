// The Node object of this machine. Pure. After upstream's pkg/kubelet/nodestatus and
// kubelet_node_status.go; condition reasons and messages are upstream's.
#pragma once
#include <string>
#include <vector>

#include "kinds/core_v1.h"
#include "kubelet/node/machine.h"
#include "kubelet/options.h"
#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

struct NodeFacts {
  MachineFacts machine;
  MachinePressure pressure;
  std::vector<std::string> addresses;  // internal
  uint16_t kubelet_port = 10250;
  std::string runtime_version;  // "containerd://1.6.20"
  std::vector<ImageRecord> images;
  std::map<std::string, std::string> devices;      // extended resources and how many
  std::string not_ready;                           // why the node isn't Ready; "": it is
  std::vector<RuntimeHandler> handlers;            // of the runtime
  std::optional<bool> supplemental_groups_policy;  // the runtime knows it
  MicroTime now = 0;
};

std::map<std::string, std::string> node_labels(const NodeFacts& facts, const Options& options);
std::map<std::string, std::string> node_capacity(const NodeFacts& facts, const Options& options);
// Capacity without what is reserved, kept free by eviction_hard or set aside as huge pages.
std::map<std::string, std::string> node_allocatable(const NodeFacts& facts, const Options& options);
// A Node with nothing but the name (which is its uid, too): what events of the node are about.
ObjectPtr node_reference(const Options& options);
// A new Node as it is registered.
ObjectPtr new_node(const NodeFacts& facts, const Options& options);
// The node with current status; heartbeat times change only where `heartbeat` is set.
ObjectPtr with_status(const Object& node, const NodeFacts& facts, const Options& options,
                      bool heartbeat);
// The node with our labels and taints made right; null if nothing changed.
ObjectPtr with_labels(const Object& node, const NodeFacts& facts, const Options& options);

}  // namespace tiphys::kubelet
