#include "crypto/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "crypto/jose_header.h"
#include "crypto/openssl.h"

namespace tiphys::crypto {
namespace {

PrivateKey rsa_key() {
  OwnedKey key(EVP_RSA_gen(2048));
  OwnedBio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return *PrivateKey::from_pem(bio_text(bio.get()));
}

std::vector<VerificationKey> keys_of(const PrivateKey& key) {
  return {*VerificationKey::from_pem(key.public_pem())};
}

std::string with_header(const std::string& header, const std::string& token) {
  return base64url_encode(header) + token.substr(token.find('.'));
}

TEST(Jwt, SignsAndVerifiesBothKinds) {
  for (const PrivateKey& key : {*PrivateKey::generate(), rsa_key()}) {
    std::string token = sign_jwt(R"({"sub":"a"})", key);
    auto claims = verify_jwt(token, keys_of(key));
    ASSERT_TRUE(claims) << claims.error().message();
    EXPECT_EQ(*claims, R"({"sub":"a"})");
    EXPECT_EQ(*unverified_claims(token), R"({"sub":"a"})");
    EXPECT_EQ(VerificationKey::from_pem(key.to_pem())->id(), key_id(key));
  }
}

TEST(Jwt, RefusesAnotherKey) {
  auto key = *PrivateKey::generate();
  auto other = *PrivateKey::generate();
  std::string token = sign_jwt("{}", key);
  EXPECT_FALSE(verify_jwt(token, keys_of(other)));
  EXPECT_FALSE(verify_jwt(token, {}));
  // The same, when the token names no key.
  EXPECT_FALSE(verify_jwt(with_header(R"({"alg":"ES256"})", token), keys_of(other)));
}

TEST(Jwt, RefusesEveryChangedByte) {
  auto key = *PrivateKey::generate();
  auto keys = keys_of(key);
  std::string token = sign_jwt(R"({"sub":"system:serviceaccount:a:b"})", key);
  for (size_t i = 0; i < token.size(); i++) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_jwt(changed, keys)) << i;
  }
}

// "alg": "none", and an RSA public key used as an HMAC secret: the classic confusions.
TEST(Jwt, jwt_algorithm_confusion) {
  auto key = rsa_key();
  auto keys = keys_of(key);
  std::string token = sign_jwt(R"({"sub":"admin"})", key);
  std::string body = token.substr(0, token.rfind('.') + 1);
  std::string none = base64url_encode(R"({"alg":"none"})") + body.substr(body.find('.'));
  EXPECT_FALSE(verify_jwt(none, keys));
  EXPECT_FALSE(verify_jwt(with_header(R"({"alg":"none"})", token), keys));
  EXPECT_FALSE(verify_jwt(with_header(R"({"alg":"HS256"})", token), keys));
  EXPECT_FALSE(verify_jwt(with_header(R"({"alg":"ES256"})", token), keys));
  EXPECT_FALSE(verify_jwt(with_header(R"({"alg":"rs256"})", token), keys));
  EXPECT_FALSE(verify_jwt(with_header(R"({})", token), keys));
}

TEST(Jwt, RefusesMalformed) {
  auto key = *PrivateKey::generate();
  auto keys = keys_of(key);
  std::string token = sign_jwt("{}", key);
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"), token + ".",
        token + "=", token + ".x", " " + token, token.substr(0, token.rfind('.') + 1),
        std::string("\0\0.\0.\0", 6), std::string(kMaxTokenBytes + 1, 'A')}) {
    EXPECT_FALSE(verify_jwt(bad, keys));
  }
  std::string zeros =
      token.substr(0, token.rfind('.') + 1) + base64url_encode(std::string(64, '\0'));
  EXPECT_FALSE(verify_jwt(zeros, keys));
}

TEST(Jwt, RefusesWeakAndForeignKeys) {
  OwnedKey weak(EVP_RSA_gen(512));
  OwnedBio bio(BIO_new(BIO_s_mem()));
  if (weak) PEM_write_bio_PUBKEY(bio.get(), weak.get());
  EXPECT_FALSE(VerificationKey::from_pem(bio_text(bio.get())));
  OwnedKey curve(EVP_EC_gen("P-384"));
  OwnedBio other(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(other.get(), curve.get());
  EXPECT_FALSE(VerificationKey::from_pem(bio_text(other.get())));
}

TEST(Jwt, WritesJwk) {
  auto keys = keys_of(*PrivateKey::generate());
  EXPECT_THAT(keys[0].jwk_json(),
              testing::MatchesRegex(R"(\{"use":"sig","kty":"EC","kid":"[^"]+","alg":"ES256",)"
                                    R"("crv":"P-256","x":"[^"]{43}","y":"[^"]{43}"\})"));
  EXPECT_THAT(keys_of(rsa_key())[0].jwk_json(), testing::HasSubstr(R"("e":"AQAB")"));
}

TEST(JoseHeader, ReadsStrictly) {
  auto header = parse_jose_header(R"( {"alg":"ES256", "typ":"JWT","x":[1,{"a":null}],"kid":"k"} )");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->algorithm, "ES256");
  EXPECT_EQ(header->key_id, "k");
  EXPECT_TRUE(parse_jose_header(R"({"crit":["b64"]})")->critical);
  for (std::string bad :
       {"", "{", "[]", "{}x", R"({"alg":1})", R"({"alg":"a","alg":"b"})", R"({"alg":"a",})",
        R"({"alg":"\u0045S256"})", R"({"x":})", R"({"x":[1,]})"}) {
    EXPECT_FALSE(parse_jose_header(bad)) << bad;
  }
  EXPECT_FALSE(parse_jose_header(R"({"x":)" + std::string(4000, '[')));
  EXPECT_FALSE(parse_jose_header(std::string(kMaxJoseHeaderBytes + 1, ' ')));
}

TEST(Hash, Sha256) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha512("").size(), 64u);
  // RFC 4231, test case 2.
  EXPECT_EQ(base64_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}

}  // namespace
}  // namespace tiphys::crypto
