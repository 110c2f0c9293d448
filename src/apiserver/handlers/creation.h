// Requests that take the right to create beside that of their verb: writes that make what they
// don't find, and streams into pods that a GET opens. Upstream: withAuthorization in
// apiserver/pkg/endpoints/handlers/update.go.
#pragma once
#include "apiserver/authz/forbidden.h"
#include "apiserver/handlers/handler_env.h"

namespace tiphys::apiserver {

// Error: Forbidden, for a user who may do what was asked but not create.
inline Result<void> authorize_creation(const HandlerEnv& env, const RequestContext& context) {
  if (!env.authorizer) return {};
  Attributes attributes = context.info.attributes();
  attributes.verb = "create";
  Verdict verdict = env.authorizer->authorize(context.user, attributes);
  if (verdict.decision == Decision::kAllow) return {};
  return forbidden_status(context.user, attributes, verdict.reason);
}

}  // namespace tiphys::apiserver
