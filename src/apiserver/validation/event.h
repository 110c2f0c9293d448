// Validation of Events, by the API group that they are written through
// (pkg/apis/core/validation/events.go upstream, v1.35). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// legacy: through the core group, which asks less; old: null at creation.
void validate_event(core_v1::Event event, bool legacy, const core_v1::Event* old,
                    FieldErrors& errors);

}  // namespace tiphys::apiserver
