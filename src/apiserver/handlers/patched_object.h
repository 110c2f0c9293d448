// What a patch makes of an object: JSON patch, merge patch and strategic merge patch.
// Upstream: k8s.io/apiserver/pkg/endpoints/handlers/patch.go.
#pragma once
#include "apiserver/handlers/patch_body.h"
#include "apiserver/pipeline/request_context.h"
#include "object/object.h"

namespace tiphys::apiserver {

// One request's patch, applied as often as the object changes meanwhile.
struct PatchAttempt {
  RequestContext* context;
  FieldValidation validation;
  PatchBody body;
  bool warned = false;  // notes are for the first attempt only
};

// The current object of the kind, patched. Errors: 422 if the patch can't be applied, or its
// outcome is no such object; 400 for bad directives.
Result<Draft> patched_object(PatchAttempt& attempt, const schema::Kind& kind,
                             const Object& current);
// Of a configuration that could be applied: its duplicate keys.
Result<void> validate_configuration(PatchAttempt& attempt);

}  // namespace tiphys::apiserver
