// serviceaccounts/token: issues a token of a service account.
#include "apiserver/authn/service_account_claims.h"
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/registry/field_error.h"
#include "apiserver/registry/meta.h"
#include "crypto/jwt.h"
#include "kinds/authentication_v1.h"

namespace tiphys::apiserver {
namespace {

Result<void> check_own_name(std::string_view own, std::string_view account) {
  if (own.empty() || own == account) return {};
  FieldErrors errors;
  errors.invalid(FieldPath("metadata").child("name"), own,
                 "must match the service account name if specified");
  return ApiStatus::invalid("authentication.k8s.io", "TokenRequest", account, errors.take());
}

// Which token was issued (KEP-4193): its id, never itself.
void audit_token(const RequestContext& context, const Object& answer) {
  audit::Annotations* annotations = context.audit_annotations();
  if (!annotations) return;
  std::string_view token = authentication_v1::TokenRequest(answer).status().token();
  auto text = crypto::unverified_claims(token);
  if (!text) return;
  auto claims = decode_claims(*text);
  if (!claims || claims->token_id.empty()) return;
  annotations->add("authentication.kubernetes.io/issued-credential-id", "JTI=" + claims->token_id);
}

}  // namespace

Task<Result<Answer>> handle_token(HandlerEnv& env, RequestContext& context) {
  if (!env.token)
    co_return ApiStatus::service_unavailable("no service account token issuer is set up");
  Result<WriteOptions> options = read_write_options(context, "CreateOptions");
  if (!options) co_return options.error();
  const schema::Kind& kind = *schema::find_kind("authentication.k8s.io", "v1", "TokenRequest");
  Result<Draft> body = decode_body(context, kind, options->field_validation);
  if (!body) co_return body.error();
  Result<void> matched = match_namespace(*body, context.info.ns);
  if (!matched) co_return matched.error();
  Result<void> named = check_own_name(MetaView(*body).name(), context.info.name);
  if (!named) co_return named.error();
  Result<ObjectPtr> account =
      env.registry->get(*context.resource, context.info.ns, context.info.name);
  if (!account) co_return account.error();
  WriteScope scope = request_scope(context, options->dry_run);
  Result<void> admitted = co_await env.registry->admit_create(std::move(scope), &*body);
  if (!admitted) co_return admitted.error();
  Result<ObjectPtr> answer =
      co_await env.token(std::move(*account), std::move(*body), context.user, &context.warnings);
  if (!answer) co_return answer.error();
  audit_token(context, **answer);
  co_return Answer::of(std::move(*answer), 201);
}

}  // namespace tiphys::apiserver
