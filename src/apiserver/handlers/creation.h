// Writes that make what they don't find: they need the right to create it.
// Upstream: withAuthorization in apiserver/pkg/endpoints/handlers/update.go.
#pragma once
#include "apiserver/authz/forbidden.h"
#include "apiserver/handlers/handler_env.h"

namespace tiphys::apiserver {

// Error: Forbidden, for a user who may update or patch the object but not create it.
inline Result<void> authorize_creation(const HandlerEnv& env, const RequestContext& context) {
  if (!env.authorizer) return {};
  Attributes attributes = context.info.attributes();
  attributes.verb = "create";
  Verdict verdict = env.authorizer->authorize(context.user, attributes);
  if (verdict.decision == Decision::kAllow) return {};
  return forbidden_status(context.user, attributes, verdict.reason);
}

}  // namespace tiphys::apiserver
