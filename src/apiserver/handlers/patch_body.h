// The body of a patch request: what kind of patch it is, decoded, with what strict decoding finds.
// Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/handlers/options.h"
#include "base/result.h"
#include "object/value.h"

namespace tiphys::apiserver {

enum class PatchKind : uint8_t { kJson, kMerge, kStrategic, kApply };

// Error: 415 naming what is taken.
Result<PatchKind> patch_kind(std::string_view content_type);

struct PatchBody {
  PatchKind kind;
  Arena arena;
  Value value;
  // Duplicate members, unknown members of operations, and alike.
  std::vector<std::string> problems;
};

// Errors: BadRequest, worded by the kind of patch, as upstream's decoders.
Result<PatchBody> decode_patch(PatchKind kind, std::string_view body, FieldValidation validation);

}  // namespace tiphys::apiserver
