#include "apiserver/reviews/reviews.h"

#include "apiserver/admission/node_restriction.h"
#include "apiserver/reviews/access_reviews.h"
#include "kinds/authentication_v1.h"
#include "kinds/authorization_v1.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {
namespace {

using authentication_v1::SelfSubjectReview;
using authentication_v1::SelfSubjectReviewEdit;
using authentication_v1::TokenReview;
using authentication_v1::TokenReviewEdit;
using authentication_v1::UserInfoEdit;

constexpr std::string_view kInvalidBearerToken = "invalid bearer token";

void fill_user(UserInfoEdit edit, const UserInfo& user) {
  edit.set_username(user.name);
  edit.set_uid(user.uid);
  for (const std::string& group : user.groups) edit.edit_groups().append(group);
  if (user.extra.empty()) return;
  auto extra = edit.edit_extra();
  for (const auto& [key, values] : user.extra) {
    auto list = extra.edit(key);
    for (const std::string& value : values) list.append(value);
  }
}

Task<Result<ObjectPtr>> answer_review(ReviewParts parts, std::string ns, Draft object,
                                      UserInfo user) {
  co_return review(parts, ns, object, user);
}

Task<Result<ObjectPtr>> answer_token(ServiceAccountTokens& tokens, const Lookup& lookup,
                                     ObjectPtr account, Draft request, UserInfo user,
                                     std::vector<std::string>* warnings) {
  std::string_view ns = namespace_of(*account);
  std::string_view name = name_of(*account);
  Result<void> good = check_node_token_request(user, ns, name, request, lookup);
  if (!good) co_return good.error();
  ObjectPtr object = request.freeze();
  co_return tokens.issue(ns, name, *object, warnings);
}

}  // namespace

Result<ObjectPtr> review_token(const ReviewParts& parts, const Draft& object) {
  TokenReview request(object);
  if (request.spec().token().empty()) {
    return ApiStatus::bad_request("token is required for TokenReview in authentication");
  }
  std::vector<std::string> audiences;
  for (std::string_view audience : request.spec().audiences()) audiences.emplace_back(audience);
  auto result = parts.authenticator->authenticate_token(request.spec().token(), audiences);
  Draft draft = object.clone();
  auto status = TokenReviewEdit(draft).edit_status();
  auto user = status.edit_user();  // present even if nobody was found
  if (!result) {
    status.set_error(result.error().message());
  } else if (!*result) {
    status.set_error(kInvalidBearerToken);
  } else if (*result) {
    status.set_authenticated(true);
    fill_user(user, (*result)->user);
    for (const std::string& audience : (*result)->audiences) {
      status.edit_audiences().append(audience);
    }
  }
  return draft.freeze();
}

Result<ObjectPtr> review_self_subject(const ReviewParts& parts, const UserInfo& user) {
  Draft draft = SelfSubjectReview::make();
  SelfSubjectReviewEdit edit(draft);
  if (parts.clock) edit.edit_metadata().set_creation_timestamp(parts.clock->wall());
  fill_user(edit.edit_status().edit_user_info(), user);
  return draft.freeze();
}

Result<ObjectPtr> review(const ReviewParts& parts, std::string_view ns, const Draft& object,
                         const UserInfo& user) {
  const schema::Message* type = &object.type();
  if (type == &authorization_v1::SubjectAccessReview::message()) {
    return review_subject_access(parts, object);
  }
  if (type == &authorization_v1::LocalSubjectAccessReview::message()) {
    return review_local_subject_access(parts, ns, object);
  }
  if (type == &authorization_v1::SelfSubjectAccessReview::message()) {
    return review_self_subject_access(parts, object, user);
  }
  if (type == &authorization_v1::SelfSubjectRulesReview::message()) {
    return review_self_subject_rules(parts, object, user);
  }
  if (type == &TokenReview::message()) return review_token(parts, object);
  if (type == &SelfSubjectReview::message()) return review_self_subject(parts, user);
  return ApiStatus(404, "NotFound", "the server could not find the requested resource");
}

ReviewHandler make_review_handler(ReviewParts parts) {
  return [parts](const schema::Resource&, std::string ns, Draft object, UserInfo user) {
    return answer_review(parts, std::move(ns), std::move(object), std::move(user));
  };
}

TokenHandler make_token_handler(ServiceAccountTokens& tokens, const Lookup& lookup) {
  return [&tokens, &lookup](ObjectPtr account, Draft request, UserInfo user,
                            std::vector<std::string>* warnings) {
    return answer_token(tokens, lookup, std::move(account), std::move(request), std::move(user),
                        warnings);
  };
}

}  // namespace tiphys::apiserver
