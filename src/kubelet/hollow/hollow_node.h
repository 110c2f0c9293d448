// HollowNode: what is known of one node that has no machine, and when it is due to speak. Pure.
//
// Renewals and reports of many nodes are spread evenly over their periods, with upstream's jitter.
#pragma once
#include <map>
#include <string>

#include "base/random.h"
#include "kubelet/node/node_object.h"

namespace tiphys::kubelet {

struct HollowNode {
  enum class Stage : uint8_t {
    kNew,         // to be registered
    kRegistered,  // the API has it
    kDeleted,     // somebody deleted it: as with upstream's kubelet, it stays so until a restart
  };
  size_t number = 0;  // from 0
  std::string name;
  std::string address;
  std::map<std::string, std::string> labels;
  bool up = true;
  bool looked_at = false;  // the API shows nothing that was not compared with what we say
  Stage stage = Stage::kNew;
  ObjectPtr object;       // as registered or last written
  ObjectPtr lease;        // as last written; null: to be read first
  MonoTime renew_at{0};   // lease
  MonoTime report_at{0};  // status, if nothing changes before
};

// Where in its period the node of that number stands: even for any count of nodes.
Duration spread(size_t number, Duration period);
// The time to the next renewal: upstream's jitter of 4 %.
Duration jittered(Duration period, Random& random);
// An address of 198.18.0.0/15, the range for benchmarks: nothing answers there.
inline constexpr size_t kMaxHollowNodes = 131'070;
std::string hollow_address(size_t number);

// The node's Lease: `known` (may be null) renewed.
ObjectPtr renewed_lease(const HollowNode& node, const Object* known, int64_t seconds,
                        MicroTime now);
// What all nodes share, made one node's own.
Options options_of(const HollowNode& node, const Options& shared);
NodeFacts facts_of(const HollowNode& node, const NodeFacts& shared, MicroTime now);

}  // namespace tiphys::kubelet
