// Validation of a pod's volumes. Pure; see pod.h.
#pragma once
#include <set>
#include <string_view>

#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"
#include "kinds/view.h"

namespace tiphys::apiserver {

// Returns the names of the volumes; a name that is invalid or double counts as well.
std::set<std::string_view> validate_volumes(const ListView<core_v1::Volume>& volumes,
                                            const FieldPath& path, FieldErrors& errors);

}  // namespace tiphys::apiserver
