// The request pipeline's part of the audit log: what it tells of answers, and when a response began
// and ended. Loop thread only. Upstream: apiserver/pkg/endpoints/filters/audit.go.
#pragma once
#include <memory>
#include <string_view>

#include "apiserver/audit/auditor.h"
#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/request_context.h"

namespace tiphys::apiserver {

// The answer as the log has it. context is the request's; unchanged after.
void audit_answer(audit::RequestAudit& audit, RequestContext& context,
                  const Result<Answer>& answer);
// ResponseStarted of long-running requests, ResponseComplete once the body is over. Gives the
// response to send.
Task<net::Response> audit_response(std::shared_ptr<audit::RequestAudit> audit,
                                   net::Response response, bool long_running);
// A request that was turned away before it was anybody's: one event, ResponseStarted.
Task<void> audit_turned_away(std::shared_ptr<audit::RequestAudit> audit, int code);
// The same as audit_response for a request from within the process; a watch completes later.
Task<Result<Answer>> audit_call(std::shared_ptr<audit::RequestAudit> audit, Result<Answer> answer,
                                bool long_running);
// What a request is told whose event could not be stored (blocking-strict).
net::Response not_stored(std::string_view request_uri);

}  // namespace tiphys::apiserver
