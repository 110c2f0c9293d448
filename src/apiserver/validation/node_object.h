// Validation of Nodes (pkg/apis/core/validation upstream, v1.35). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// old: null at creation. An update of the node or of its status: pod CIDRs and the provider's id
// stay once they are set.
void validate_node(core_v1::Node node, const core_v1::Node* old, FieldErrors& errors);

}  // namespace tiphys::apiserver
