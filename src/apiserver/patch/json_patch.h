// JSON patch, RFC 6902, with the tolerance of evanphx/json-patch v4 as upstream uses it. Pure.
//
// Bounded: operations, and the JSON bytes that copy operations add (CVE-2019-1002100).
#pragma once
#include <string_view>

#include "base/result.h"
#include "object/value.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxJsonPatchOperations = 10'000;
inline constexpr size_t kMaxJsonPatchCopyBytes = 3 * 1024 * 1024;

// `patch`: a list of operations. Errors: RequestEntityTooLarge for too many operations; else
// upstream's 422 "the server rejected our request due to an error in our request".
Result<Value> apply_json_patch(Value document, const Value& patch, Arena& arena);

}  // namespace tiphys::apiserver
