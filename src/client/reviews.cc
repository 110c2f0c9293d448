#include "client/reviews.h"

#include "codec/codec.h"
#include "crypto/jwt.h"
#include "kinds/authentication_v1.h"

namespace tiphys::client {
namespace {

constexpr size_t kMaxRememberedBytes = 16 * 1024;  // of one review: extras come from tokens

ReviewedUser user_of(const authentication_v1::UserInfo& from) {
  ReviewedUser user{std::string(from.username()), std::string(from.uid()), {}, {}};
  for (std::string_view group : from.groups()) user.groups.emplace_back(group);
  for (auto [key, values] : from.extra()) {
    std::vector<std::string>& list = user.extra[std::string(key)];
    for (std::string_view value : values) list.emplace_back(value);
  }
  return user;
}

}  // namespace

void set_user(authorization_v1::SubjectAccessReviewSpecEdit spec, const ReviewedUser& user) {
  spec.set_user(user.name);
  if (!user.uid.empty()) spec.set_uid(user.uid);
  for (const std::string& group : user.groups) spec.edit_groups().append(group);
  for (const auto& [key, values] : user.extra) {
    auto list = spec.edit_extra().edit(key);
    for (const std::string& value : values) list.append(value);
  }
}

Task<Result<std::optional<ReviewedUser>>> TokenReviewer::review(std::string token) {
  std::string key = crypto::sha256(token);
  if (const auto* known = known_.find(key, clock_.mono())) co_return *known;
  Draft draft = authentication_v1::TokenReview::make();
  authentication_v1::TokenReviewEdit(draft).edit_spec().set_token(token);
  const auto& reviews = *schema::find_resource("authentication.k8s.io", "v1", "tokenreviews");
  Result<ObjectPtr> answer = co_await client_.create(reviews, "", draft.freeze());
  if (!answer) co_return answer.error();
  authentication_v1::TokenReviewStatus status = authentication_v1::TokenReview(**answer).status();
  std::optional<ReviewedUser> user;
  if (status.authenticated()) {
    user = user_of(status.user());
  } else if (!status.error().empty()) {
    co_return ApiStatus::unauthorized(std::string(status.error()));
  }
  known_.put(key, user, clock_.mono() + ttl_);
  co_return user;
}

Task<Result<bool>> AccessReviewer::allows(ObjectPtr review) {
  std::string key = *codec::encode_shared(codec::Format::kProtobuf, *review);
  if (const bool* known = known_.find(key, clock_.mono())) co_return *known;
  const auto& reviews =
      *schema::find_resource("authorization.k8s.io", "v1", "subjectaccessreviews");
  Result<ObjectPtr> answer = co_await client_.create(reviews, "", std::move(review));
  if (!answer) co_return answer.error();
  bool allowed = authorization_v1::SubjectAccessReview(**answer).status().allowed();
  Duration remembered = allowed ? authorized_ : unauthorized_;
  if (key.size() <= kMaxRememberedBytes) known_.put(key, allowed, clock_.mono() + remembered);
  co_return allowed;
}

}  // namespace tiphys::client
