// Server-side apply: merges an applied configuration into the live object by field ownership.
// Pure. https://kubernetes.io/docs/reference/using-api/server-side-apply/
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

struct ApplyRequest {
  const schema::Resource* resource = nullptr;
  std::string_view subresource;
  std::string manager;
  bool force = false;
  MicroTime now = 0;
};

// `patch`: the applied configuration, untyped, with apiVersion and kind. live null: creation.
// Errors: Conflict naming the managers and fields; BadRequest for a patch that is no
// configuration of this kind.
Result<Draft> apply_object(const ApplyRequest& request, const Object* live, const Value& patch);

}  // namespace tiphys::apiserver
