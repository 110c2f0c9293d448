// Reviews: the resources that ask instead of store: SubjectAccessReview and its kin, TokenReview,
// SelfSubjectReview; and the token subresource. From request object to answer object; the registry
// mounts them (HandlerEnv::review, HandlerEnv::token). Loop thread only; no I/O.
// Upstream: pkg/registry/authorization/*, pkg/registry/authentication/*.
#pragma once
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/authz/rbac.h"
#include "apiserver/handlers/handler_env.h"

namespace tiphys::apiserver {

// All may be null but authorizer and authenticator; what is given must outlive the handler.
struct ReviewParts {
  Authenticator* authenticator = nullptr;
  Authorizer* authorizer = nullptr;
  const RbacAuthorizer* rbac = nullptr;  // for SelfSubjectRulesReview; null: it lists nothing
  const Clock* clock = nullptr;          // null: SelfSubjectReviews have no creationTimestamp
};

// Errors: Invalid and BadRequest as upstream; NotFound for a kind that is none of these.
Result<ObjectPtr> review(const ReviewParts& parts, std::string_view ns, const Draft& object,
                         const UserInfo& user);

ReviewHandler make_review_handler(ReviewParts parts);
// Nodes get tokens of their own pods only (NodeRestriction).
TokenHandler make_token_handler(ServiceAccountTokens& tokens, const Lookup& lookup);

}  // namespace tiphys::apiserver
