// VolumePlan: what has to happen to a pod's claims before it can be bound to its node, and what to
// write for that. Plain data; pure.
#pragma once
#include <string>
#include <vector>

#include "scheduler/volume_objects.h"

namespace tiphys::scheduler {

struct VolumePlan {
  struct Binding {  // an existing volume for a claim
    std::string volume;
    std::string claim;  // key
    std::string claim_uid;
    std::string written;  // resourceVersion of the volume that names the claim; "": not yet
  };
  struct Provision {    // a volume to be made for a claim, by its storage class's provisioner
    std::string claim;  // key
    std::string claim_uid;
    std::string written;  // resourceVersion of the claim that names the node; "": not yet
  };
  std::string node;
  std::vector<Binding> bindings;
  std::vector<Provision> provisions;

  // All claims are bound: nothing to do or to wait for.
  bool empty() const { return bindings.empty() && provisions.empty(); }
};

// The volume that names the claim; null if it does already.
ObjectPtr volume_for_claim(const Volume& volume, const Claim& claim);
// The claim that names the node for its volume; null if it does already.
ObjectPtr claim_on_node(const Claim& claim, std::string_view node);

}  // namespace tiphys::scheduler
