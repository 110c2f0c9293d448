// JSON merge patch, RFC 7386. Pure.
#pragma once
#include "object/value.h"

namespace tiphys::apiserver {

// The patched document; `document` (a tree in `arena`) is edited in place where it can be.
// Nulls of the patch delete; `patch` may share nodes with the result afterwards.
Value apply_merge_patch(Value document, Value patch, Arena& arena);

}  // namespace tiphys::apiserver
