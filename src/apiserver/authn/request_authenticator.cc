#include "apiserver/authn/request_authenticator.h"

#include "apiserver/authn/client_certificate.h"
#include "base/log.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kWebSocketToken = "base64url.bearer.authorization.k8s.io.";

void add_authenticated(UserInfo& user) {
  if (!user.in_group(kAllAuthenticated)) user.groups.emplace_back(kAllAuthenticated);
}

Authenticated anonymous_user() {
  Authenticated result;
  result.user.name = kAnonymous;
  result.user.groups = {std::string(kAllUnauthenticated)};
  return result;
}

std::string websocket_token(const net::Headers& headers) {
  std::string_view upgrade = headers.get("upgrade");
  if (!equals_ignore_case(upgrade, "websocket")) return {};
  for (std::string_view protocol : split(headers.get("sec-websocket-protocol"), ',')) {
    auto encoded = cut_prefix(trim(protocol), kWebSocketToken);
    if (!encoded) continue;
    return base64url_decode(*encoded).value_or("");
  }
  return {};
}

}  // namespace

std::string bearer_token(const net::Headers& headers) {
  std::string_view value = trim(headers.get("authorization"));
  size_t space = value.find(' ');
  if (space == value.npos || !equals_ignore_case(value.substr(0, space), "bearer")) {
    return websocket_token(headers);
  }
  std::string_view rest = value.substr(space + 1);
  return std::string(rest.substr(0, rest.find(' ')));
}

Result<std::optional<Authenticated>> RequestAuthenticator::authenticate(
    const net::Request& request) {
  const crypto::Certificate* peer = request.peer_certificate.get();
  bool over = peer && peer->is_over(clock_.wall());
  if (peer && !over) {
    auto user = user_of_certificate(*peer);
    if (user) {
      add_authenticated(*user);
      return std::optional(Authenticated{std::move(*user), {}});
    }
  }
  std::string token = bearer_token(request.headers);
  if (!token.empty()) {
    auto result = authenticate_token(token, {});
    if (result && *result) return result;
    // Why is not the client's to know.
    if (!result) LOG_V(2, "Unable to authenticate the request", {"err", result.error()});
    return ApiStatus::unauthorized();
  }
  if (over) {
    LOG_V(2, "Unable to authenticate the request",
          {"err", "verifying certificate failed: x509: certificate has expired"});
    return ApiStatus::unauthorized();
  }
  if (anonymous_) return std::optional(anonymous_user());
  return std::optional<Authenticated>();
}

std::optional<UserInfo> RequestAuthenticator::find_static(std::string_view token) const {
  if (auto user = token_file_.find(token)) return user;
  return bootstrap_tokens_ ? bootstrap_tokens_->find(token) : std::nullopt;
}

Result<std::optional<Authenticated>> RequestAuthenticator::authenticate_token(
    std::string_view token, const std::vector<std::string>& audiences) {
  if (auto user = find_static(token)) {
    // These tokens know no audience: they are for the API server's own.
    Authenticated result{std::move(*user), {}};
    for (const std::string& own : api_audiences_) {
      bool wanted = std::find(audiences.begin(), audiences.end(), own) != audiences.end();
      if (audiences.empty() || wanted) result.audiences.push_back(own);
    }
    if (result.audiences.empty() && !audiences.empty()) return std::optional<Authenticated>();
    add_authenticated(result.user);
    return std::optional(std::move(result));
  }
  if (!service_accounts_) return std::optional<Authenticated>();
  auto result = service_accounts_->authenticate(token, audiences);
  if (!result) {
    return ApiStatus::unauthorized("[invalid bearer token, " + result.error().message() + "]");
  }
  if (*result) add_authenticated((*result)->user);
  return result;
}

}  // namespace tiphys::apiserver
