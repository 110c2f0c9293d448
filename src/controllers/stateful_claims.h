// The claims of a StatefulSet's pods: made from its templates, kept or deleted with the pod or the
// set as spec.persistentVolumeClaimRetentionPolicy says, by who owns them. Pure.
// Source: KEP-1847 (StatefulSetAutoDeletePVC); pkg/controller/statefulset.
#pragma once
#include <string>

#include "kinds/apps_v1.h"

namespace tiphys::controllers {

// A pod of a set, there or yet to be made, as its claims see it.
struct ClaimUser {
  const Object& set;
  std::string pod_name;
  const Object* pod = nullptr;  // null: not there
  bool in_range = false;        // its ordinal is one that the set wants
};

// A claim by the template for the pod of `ordinal`, with the owners that the policy wants.
ObjectPtr new_stateful_claim(const core_v1::PersistentVolumeClaim& claim_template,
                             const ClaimUser& user, int64_t ordinal);
// Its owners are as the policy wants, or somebody else's business.
bool claim_owners_match(const Object& claim, const ClaimUser& user);
// The claim with the owners that the policy wants.
ObjectPtr with_claim_owners(const Object& claim, const ClaimUser& user);
// It goes with an earlier pod of the name: no pod may be made before it is gone.
bool is_claim_stale(const Object& claim, const ClaimUser& user);

}  // namespace tiphys::controllers
