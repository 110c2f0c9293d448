// JSON Web Tokens as service account tokens use them: ES256 and RS256 signatures over compact JWS.
// (RFC 7515 to 7518). Pure but for OpenSSL's randomness. Claims are JSON text; the caller reads
// them. The algorithm follows from the key, never from the token: a header naming another one,
// "none", or a "crit" extension is refused. Tokens over kMaxTokenBytes are refused.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/certificate.h"

namespace tiphys::crypto {

inline constexpr size_t kMaxTokenBytes = 64 * 1024;

// key_id as upstream computes it: base64url(sha256(SPKI DER)).
std::string key_id(const PrivateKey& key);
// Requires: an EC P-256 (ES256) or RSA (RS256) key; "" for another, or if OpenSSL fails.
std::string sign_jwt(std::string_view claims_json, const PrivateKey& key);
// A public key with its id, from a private or public PEM.
class VerificationKey {
 public:
  static Result<VerificationKey> from_pem(std::string_view pem);
  const std::string& id() const { return id_; }
  const char* algorithm() const { return algorithm_; }  // "ES256" or "RS256"
  std::string jwk_json() const;
  evp_pkey_st* get() const { return key_.get(); }

 private:
  VerificationKey() = default;
  std::string id_;
  const char* algorithm_ = "";
  std::shared_ptr<evp_pkey_st> key_;
};
// The claims (JSON text) of a token whose signature verifies under one of the keys. Times and
// audiences are not looked at. Error: Unauthorized. A token that names a key id is tried with the
// key of that id only.
Result<std::string> verify_jwt(std::string_view token, const std::vector<VerificationKey>& keys);

// The claims of a token, its signature not looked at: only to see whom to ask about it.
Result<std::string> unverified_claims(std::string_view token);

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string sha512(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 raw bytes

}  // namespace tiphys::crypto
