// JSON Web Tokens as service account tokens use them: ES256 and RS256 signatures over compact JWS.
// Pure but for OpenSSL's randomness. Claims are JSON text; the caller reads them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/certificate.h"

namespace tiphys::crypto {

// key_id as upstream computes it: base64url(sha256(SPKI DER)).
std::string key_id(const PrivateKey& key);
std::string sign_jwt(std::string_view claims_json, const PrivateKey& key);
// A public key with its id, from a private or public PEM.
class VerificationKey {
 public:
  static Result<VerificationKey> from_pem(std::string_view pem);
  const std::string& id() const { return id_; }
  std::string jwk_json() const;
  evp_pkey_st* get() const { return key_.get(); }

 private:
  std::string id_;
  std::shared_ptr<evp_pkey_st> key_;
};
// The claims (JSON text) of a token whose signature verifies under one of the keys. Times and
// audiences are not looked at. Error: Unauthorized.
Result<std::string> verify_jwt(std::string_view token, const std::vector<VerificationKey>& keys);

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string sha512(std::string_view bytes);

}  // namespace tiphys::crypto
