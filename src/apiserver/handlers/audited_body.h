// What the audit log tells of request bodies. No effect on requests that aren't audited.
// Upstream: apiserver/pkg/audit/request.go LogRequestObject, LogRequestPatch.
#pragma once
#include "apiserver/pipeline/request_context.h"

namespace tiphys::apiserver {

// The body of a write or the options of a delete, decoded: its defaults are told too, as upstream's
// decoder sets them before.
void audit_body(const RequestContext& context, const Draft& object);
// The body of a patch, as it came.
void audit_patch(const RequestContext& context);

}  // namespace tiphys::apiserver
