// The last stage: an Answer or an error as the HTTP response of its request. Loop thread.
#pragma once
#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/request_context.h"

namespace tiphys::apiserver {

// Encodes the answer in the negotiated format; errors become Status objects, a watch a stream that
// owns the context and ends with `stopping`. Adds the Warning headers and what upstream adds to
// every answer.
net::Response respond(Loop& loop, RequestContext context, Result<Answer> answer,
                      StopToken stopping);

}  // namespace tiphys::apiserver
