// What of a pod's volumes decisions depend on. Plain data, extracted once per pod version; pure.
#pragma once
#include <string>
#include <vector>

#include "kinds/core_v1.h"

namespace tiphys::scheduler {

// A claim that the pod mounts. A generic ephemeral volume's is named "<pod>-<volume>" and must have
// been made for the pod.
struct PodClaim {
  std::string name;
  std::string key;  // "namespace/name"
  bool ephemeral = false;
};

// A disk named in the pod itself, of a kind that a node can't share at will.
struct InlineDisk {
  enum class Kind : uint8_t { kGcePersistentDisk, kAwsElasticBlockStore, kRbd, kIscsi };
  Kind kind;
  std::string id;
  std::vector<std::string> monitors;  // of an RBD image: the same one if they share a monitor
  bool read_only = false;

  // Whether two pods of a node can't both have theirs.
  bool conflicts(const InlineDisk& other) const;
};

// Each claim once, in the order of the volumes.
std::vector<PodClaim> claims_of(const core_v1::Pod& pod);
std::vector<InlineDisk> inline_disks_of(const core_v1::PodSpec& spec);

}  // namespace tiphys::scheduler
