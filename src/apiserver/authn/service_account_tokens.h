// ServiceAccountTokens: issues service account tokens (the token subresource) and tells whose a
// token is. Loop thread only; no I/O: objects come from the watch caches.
//
// A token is good while its signature, times and audiences are, and while its service account and
// every object that it is bound to exist with the same uid (deleted ones are forgiven for
// kDeletionLeeway). Signatures are checked once for each token and remembered (at most
// kMaxRemembered tokens); everything else is checked each time.
// Upstream: kubernetes/pkg/serviceaccount/claims.go,
// pkg/registry/core/serviceaccount/storage/token.go.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/authn/authenticator.h"
#include "apiserver/authn/service_account_claims.h"
#include "apiserver/authn/token_uses.h"
#include "apiserver/lookup.h"
#include "base/random.h"
#include "base/time.h"
#include "crypto/jwt.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxRemembered = 8192;
inline constexpr MicroTime kDeletionLeeway = 60 * kMicrosPerSecond;
inline constexpr int64_t kMinTokenSeconds = 600;
inline constexpr int64_t kMaxTokenSeconds = 1LL << 32;
inline constexpr int64_t kDefaultTokenSeconds = 3600;
// Tokens of pods ask for 3607 s; they are given a year, whatever the limit, with a warning time of
// 3607 s, so that old clients that never read the file again go on (upstream's ExtendExpiration).
inline constexpr int64_t kExtendableSeconds = 3607;
inline constexpr int64_t kExtendedSeconds = 365 * 86400;

inline constexpr std::string_view kDefaultIssuer = "https://kubernetes.default.svc.cluster.local";

struct ServiceAccountOptions {
  // --service-account-issuer: the first issues, all are accepted.
  std::vector<std::string> issuers{std::string(kDefaultIssuer)};
  std::vector<std::string> api_audiences;  // --api-audiences; empty: the issuers
  int64_t max_expiration_seconds = 0;      // --service-account-max-token-expiration; 0: no limit
  bool extend_expiration = true;           // --service-account-extend-token-expiration
};

class ServiceAccountTokens {
 public:
  // lookup, clock and random must outlive this.
  ServiceAccountTokens(ServiceAccountOptions options, crypto::PrivateKey signing_key,
                       std::vector<crypto::VerificationKey> verification_keys, const Lookup& lookup,
                       const Clock& clock, Random& random);

  // nullopt: not a token of our issuers. Error: Unauthorized, why (for the log, not the client).
  Result<std::optional<Authenticated>> authenticate(std::string_view token,
                                                    const std::vector<std::string>& audiences);

  // POST serviceaccounts/NAME/token: the request object (authentication.k8s.io/v1 TokenRequest,
  // defaulted) with its status filled. A time over the limit is shortened, with a warning. Errors:
  // NotFound, Invalid, BadRequest, Conflict, as upstream.
  Result<ObjectPtr> issue(std::string_view ns, std::string_view name, const Object& request,
                          std::vector<std::string>* warnings);

  // Told of each Secret whose token is used on a day that its label does not tell yet.
  using SecretHandler = std::function<void(std::string_view ns, std::string_view name)>;
  void on_secret_used(SecretHandler handler) { secret_used_ = std::move(handler); }
  const TokenUses& uses() const { return uses_; }

  const std::vector<std::string>& api_audiences() const { return options_.api_audiences; }
  const std::string& issuer() const { return options_.issuers.front(); }
  // /.well-known/openid-configuration and /openid/v1/jwks.
  std::string discovery_json(std::string_view jwks_uri) const;
  std::string jwks_json() const;

 private:
  Result<ServiceAccountClaims> verified_claims(std::string_view token);
  // A token that stands in a Secret: good while it does, for the API server's audiences.
  Result<Authenticated> authenticate_legacy(std::string_view token,
                                            const ServiceAccountClaims& claims,
                                            const std::vector<std::string>& audiences);
  Result<void> check_legacy(std::string_view token, const ServiceAccountClaims& claims) const;
  // Refuses a Secret that is marked as invalid; notes what is used.
  Result<void> track_legacy(const ServiceAccountClaims& claims, Authenticated* result);
  Result<void> check_times(const ServiceAccountClaims& claims) const;
  Result<void> check_objects(const ServiceAccountClaims& claims) const;
  Result<void> check_bound(const char* what, const ObjectPtr& object,
                           const BoundReference& reference) const;
  Result<void> check_request(const Object& request) const;
  Result<void> bind(const Object& request, ServiceAccountClaims& claims) const;
  Result<void> bind_pod(std::string_view pod_name, ServiceAccountClaims& claims) const;
  void set_expiration(int64_t requested, ServiceAccountClaims& claims) const;
  bool is_for_api(const std::vector<std::string>& audiences) const;

  ServiceAccountOptions options_;
  crypto::PrivateKey signing_key_;
  std::vector<crypto::VerificationKey> keys_;
  const Lookup& lookup_;
  const Clock& clock_;
  Random& random_;
  std::unordered_map<std::string, ServiceAccountClaims> remembered_;  // by SHA-256 of the token
  TokenUses uses_;
  SecretHandler secret_used_;  // may be empty
};

}  // namespace tiphys::apiserver
