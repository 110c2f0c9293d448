#include "crypto/jwt.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>

#include "base/strings.h"
#include "crypto/jose_header.h"
#include "crypto/openssl.h"

namespace tiphys::crypto {
namespace {

constexpr int kP256Bytes = 32;
constexpr int kMinRsaBits = 1024;  // Go's crypto/rsa refuses less

using OwnedSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, kind, nullptr);
  return {reinterpret_cast<char*>(out), size};
}

// The one algorithm a key is used with, or "".
const char* algorithm_of(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA")) return EVP_PKEY_get_bits(key) >= kMinRsaBits ? "RS256" : "";
  char curve[32] = "";
  if (EVP_PKEY_is_a(key, "EC") &&
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                     nullptr) == 1 &&
      std::string_view(curve) == "prime256v1") {
    return "ES256";
  }
  ERR_clear_error();
  return "";
}

std::string id_of(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  std::string id = base64url_encode(
      digest(EVP_sha256(), {reinterpret_cast<char*>(der), static_cast<size_t>(size)}));
  OPENSSL_free(der);
  return id;
}

std::string sign(EVP_PKEY* key, std::string_view input) {
  OwnedDigest context(EVP_MD_CTX_new());
  auto bytes = reinterpret_cast<const unsigned char*>(input.data());
  size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, input.size()) != 1) {
    return {};
  }
  std::string signature(size, '\0');
  auto out = reinterpret_cast<unsigned char*>(signature.data());
  if (EVP_DigestSign(context.get(), out, &size, bytes, input.size()) != 1) return {};
  signature.resize(size);
  return signature;
}

bool verify(EVP_PKEY* key, std::string_view input, std::string_view signature) {
  OwnedDigest context(EVP_MD_CTX_new());
  bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(), reinterpret_cast<const unsigned char*>(input.data()),
                       input.size()) == 1;
  ERR_clear_error();
  return good;
}

// JOSE writes an ECDSA signature as r || s, OpenSSL as DER.
std::string der_to_jose(std::string_view der) {
  auto bytes = reinterpret_cast<const unsigned char*>(der.data());
  OwnedSignature parsed(d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size())));
  if (!parsed) return {};
  std::string raw(2 * kP256Bytes, '\0');
  auto out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), out, kP256Bytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), out + kP256Bytes, kP256Bytes);
  return raw;
}

std::string jose_to_der(std::string_view raw) {
  if (raw.size() != 2 * kP256Bytes) return {};
  auto bytes = reinterpret_cast<const unsigned char*>(raw.data());
  OwnedSignature signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes, kP256Bytes, nullptr),
                 BN_bin2bn(bytes + kP256Bytes, kP256Bytes, nullptr));
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return {};
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return result;
}

std::string number_param(EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
  OwnedNumber owned(number);
  if (bytes == 0) bytes = BN_num_bytes(number);
  std::string out(static_cast<size_t>(bytes), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), bytes);
  return base64url_encode(out);
}

struct Parts {
  std::string_view signed_part;  // header.claims
  std::string header;
  std::string claims;
  std::string signature;
};

Result<Parts> parse(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return ApiStatus::unauthorized("token is too large");
  auto pieces = split(token, '.');
  if (pieces.size() != 3) return ApiStatus::unauthorized("token must have three parts");
  auto header = base64url_decode(pieces[0]);
  auto claims = base64url_decode(pieces[1]);
  auto signature = base64url_decode(pieces[2]);
  // Unused bits in the last character would make several spellings of one signature.
  bool canonical = signature && base64url_encode(*signature) == pieces[2];
  if (!header || !claims || !canonical) return ApiStatus::unauthorized("token is not base64url");
  Parts parts{token.substr(0, pieces[0].size() + 1 + pieces[1].size()), std::move(*header),
              std::move(*claims), std::move(*signature)};
  return parts;
}

bool verifies(const VerificationKey& key, const Parts& parts) {
  if (std::string_view(key.algorithm()) == "RS256") {
    return verify(key.get(), parts.signed_part, parts.signature);
  }
  std::string der = jose_to_der(parts.signature);
  return !der.empty() && verify(key.get(), parts.signed_part, der);
}

}  // namespace

std::string key_id(const PrivateKey& key) { return id_of(key.get()); }

std::string sign_jwt(std::string_view claims_json, const PrivateKey& key) {
  std::string_view algorithm = algorithm_of(key.get());
  if (algorithm.empty()) return {};
  std::string header =
      R"({"alg":")" + std::string(algorithm) + R"(","kid":")" + key_id(key) + R"("})";
  std::string input = base64url_encode(header) + "." + base64url_encode(claims_json);
  std::string signature = sign(key.get(), input);
  if (algorithm == "ES256") signature = der_to_jose(signature);
  if (signature.empty()) return {};
  return input + "." + base64url_encode(signature);
}

Result<VerificationKey> VerificationKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return ApiStatus::internal("read public key: too large");
  OwnedBio bio = borrow_bio(pem);
  OwnedKey key(PEM_read_bio_PUBKEY(bio.get(), nullptr, refuse_password, nullptr));
  if (!key) {
    ERR_clear_error();
    bio = borrow_bio(pem);
    key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, nullptr));
  }
  if (!key) return openssl_error("read public key");
  VerificationKey result;
  result.algorithm_ = algorithm_of(key.get());
  if (!*result.algorithm_) {
    return ApiStatus::internal("read public key: neither RSA of 1024 bits or more nor EC P-256");
  }
  result.id_ = id_of(key.get());
  result.key_ = std::shared_ptr<EVP_PKEY>(key.release(), EVP_PKEY_free);
  return result;
}

std::string VerificationKey::jwk_json() const {
  std::string head = R"({"use":"sig","kty":)";
  std::string tail = R"(,"kid":")" + id_ + R"(","alg":")" + algorithm_ + R"(",)";
  if (std::string_view(algorithm_) == "RS256") {
    return head + R"("RSA")" + tail + R"("n":")" + number_param(get(), OSSL_PKEY_PARAM_RSA_N, 0) +
           R"(","e":")" + number_param(get(), OSSL_PKEY_PARAM_RSA_E, 0) + R"("})";
  }
  return head + R"("EC")" + tail + R"("crv":"P-256","x":")" +
         number_param(get(), OSSL_PKEY_PARAM_EC_PUB_X, kP256Bytes) + R"(","y":")" +
         number_param(get(), OSSL_PKEY_PARAM_EC_PUB_Y, kP256Bytes) + R"("})";
}

Result<std::string> verify_jwt(std::string_view token, const std::vector<VerificationKey>& keys) {
  auto parts = parse(token);
  if (!parts) return parts.error();
  auto header = parse_jose_header(parts->header);
  if (!header) return ApiStatus::unauthorized("token header is malformed");
  if (header->critical) return ApiStatus::unauthorized("token header has critical extensions");
  for (const VerificationKey& key : keys) {
    if (!header->key_id.empty() && header->key_id != key.id()) continue;
    if (header->algorithm != key.algorithm()) continue;
    if (verifies(key, *parts)) return std::move(parts->claims);
  }
  return ApiStatus::unauthorized("token signature is invalid");
}

Result<std::string> unverified_claims(std::string_view token) {
  auto parts = parse(token);
  if (!parts) return parts.error();
  return std::move(parts->claims);
}

std::string sha256(std::string_view bytes) { return digest(EVP_sha256(), bytes); }
std::string sha512(std::string_view bytes) { return digest(EVP_sha512(), bytes); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string code(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
       reinterpret_cast<unsigned char*>(code.data()), &size);
  code.resize(size);
  return code;
}

}  // namespace tiphys::crypto
