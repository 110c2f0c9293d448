// TokenReviewer and AccessReviewer: who is the bearer of a token, and may somebody do something?
// The API server judges (TokenReview, SubjectAccessReview); its verdicts are remembered for a
// while, so that it may be away. What it can't be asked is an error, never a yes.
//
// Loop thread only. The client outlives them. Source: authentication and authorization webhooks of
// k8s.io/apiserver (plugin/pkg/authenticator/token/webhook, plugin/pkg/authorizer/webhook).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/expiring_cache.h"
#include "kinds/authorization_v1.h"

namespace tiphys::client {

inline constexpr size_t kMaxRememberedReviews = 4096;

struct ReviewedUser {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

class TokenReviewer {
 public:
  // ttl zero: nothing is remembered.
  TokenReviewer(const Clock& clock, Client& client, Duration ttl)
      : clock_(clock), client_(client), ttl_(ttl) {}
  // Nothing: the token is nobody's. Error: the server gave no verdict.
  Task<Result<std::optional<ReviewedUser>>> review(std::string token);

 private:
  const Clock& clock_;
  Client& client_;
  Duration ttl_;
  ExpiringCache<std::optional<ReviewedUser>> known_{kMaxRememberedReviews};  // by the token's hash
};

class AccessReviewer {
 public:
  // How long a yes and a no are remembered.
  AccessReviewer(const Clock& clock, Client& client, Duration authorized, Duration unauthorized)
      : clock_(clock), client_(client), authorized_(authorized), unauthorized_(unauthorized) {}
  // `review`: a SubjectAccessReview. Error: the server gave no verdict.
  Task<Result<bool>> allows(ObjectPtr review);

 private:
  const Clock& clock_;
  Client& client_;
  Duration authorized_;
  Duration unauthorized_;
  ExpiringCache<bool> known_{kMaxRememberedReviews};  // by the review's encoding
};

// Names the user in a review to be.
void set_user(authorization_v1::SubjectAccessReviewSpecEdit spec, const ReviewedUser& user);

}  // namespace tiphys::client
