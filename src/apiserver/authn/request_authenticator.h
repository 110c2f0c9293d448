// RequestAuthenticator: the API server's own Authenticator: client certificates, then bearer
// tokens (the token file, bootstrap tokens, service accounts), then anonymous (--anonymous-auth).
//
// Everyone but anonymous is also in system:authenticated. A bearer token that nobody knows is
// Unauthorized, never anonymous; so is a certificate that is over by now, however long its
// connection has been open. Loop thread only.
// Upstream: apiserver/pkg/authentication/request/{union,x509,bearertoken,websocket,anonymous}.
#pragma once
#include "apiserver/authn/authenticator.h"
#include "apiserver/authn/bootstrap_tokens.h"
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/authn/token_file.h"

namespace tiphys::apiserver {

class RequestAuthenticator : public Authenticator {
 public:
  // service_accounts may be null, else must outlive this, as the clock must.
  RequestAuthenticator(const Clock& clock, TokenFile token_file,
                       ServiceAccountTokens* service_accounts,
                       std::vector<std::string> api_audiences, bool anonymous = true)
      : clock_(clock),
        token_file_(std::move(token_file)),
        service_accounts_(service_accounts),
        api_audiences_(std::move(api_audiences)),
        anonymous_(anonymous) {}

  // --enable-bootstrap-token-auth.
  void use_bootstrap_tokens(BootstrapTokens tokens) { bootstrap_tokens_.emplace(tokens); }

  Result<std::optional<Authenticated>> authenticate(const net::Request& request) override;
  Result<std::optional<Authenticated>> authenticate_token(
      std::string_view token, const std::vector<std::string>& audiences) override;

 private:
  std::optional<UserInfo> find_static(std::string_view token) const;

  const Clock& clock_;
  TokenFile token_file_;
  std::optional<BootstrapTokens> bootstrap_tokens_;
  ServiceAccountTokens* service_accounts_;
  std::vector<std::string> api_audiences_;
  bool anonymous_;
};

// The bearer token of a request, from Authorization or (browsers) Sec-WebSocket-Protocol; "" none.
std::string bearer_token(const net::Headers& headers);

}  // namespace tiphys::apiserver
