// Owner references that say the same thing twice are merged. Pure.
// Upstream: dedupOwnerReferencesAndAddWarning in apiserver/pkg/endpoints/handlers/rest.go.
#pragma once
#include <string>
#include <vector>

#include "object/object.h"

namespace tiphys::apiserver {

// Drops owner references equal to an earlier one. Duplicates are told in `warnings` (may be null),
// worded for what the client sent or for what admission made of it.
void merge_owner_references(Draft& object, std::vector<std::string>* warnings,
                            bool after_admission);

}  // namespace tiphys::apiserver
