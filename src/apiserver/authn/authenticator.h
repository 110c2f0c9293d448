// Authenticator: whose request is this? Loop thread only.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/user.h"
#include "async/loop.h"
#include "base/result.h"
#include "net/http.h"

namespace tiphys::apiserver {

struct Authenticated {
  UserInfo user;
  std::vector<std::string> audiences;                                 // of the token, if it had any
  std::vector<std::pair<std::string, std::string>> annotations = {};  // of the audit event
  std::vector<std::string> warnings = {};                             // to the client
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // nullopt: the request carries no credential that this authenticator knows. Error: Unauthorized
  // 401 for a credential that is invalid.
  virtual Result<std::optional<Authenticated>> authenticate(const net::Request& request) = 0;
  // For TokenReview and bearer tokens; audiences empty: the API server's own. nullopt: nobody knows
  // the token. Error: Unauthorized, with the reason, which only reviews tell.
  virtual Result<std::optional<Authenticated>> authenticate_token(
      std::string_view token, const std::vector<std::string>& audiences) = 0;
};

}  // namespace tiphys::apiserver
