// TokenFile: --token-auth-file, static bearer tokens as CSV: token,user,uid[,"group1,group2"].
// Immutable. Upstream: apiserver/pkg/authentication/token/tokenfile.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/user.h"
#include "base/result.h"

namespace tiphys::apiserver {

class TokenFile {
 public:
  TokenFile() = default;  // knows no token
  // Errors (InternalError): a quoting mistake, a record of fewer than three columns (both name the
  // line). Empty lines and tokens are skipped; of a repeated token the last record counts.
  static Result<TokenFile> parse(std::string_view csv);
  // The user of a token, without system:authenticated.
  std::optional<UserInfo> find(std::string_view token) const;
  size_t size() const { return users_.size(); }

 private:
  // Keyed by the token's SHA-256, so that the time of a look-up says nothing about the tokens.
  std::map<std::string, UserInfo> users_;
};

}  // namespace tiphys::apiserver
