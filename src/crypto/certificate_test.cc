#include "crypto/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/csr.h"
#include "crypto/jwt.h"

namespace tiphys::crypto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr MicroTime kNow = 1'800'000'000 * kMicrosPerSecond;
constexpr MicroTime kYear = 365 * 86400 * kMicrosPerSecond;

struct Authority {
  PrivateKey key;
  Certificate certificate;
};

Authority make_authority(const std::string& name) {
  auto key = PrivateKey::generate();
  CertificateTemplate what;
  what.subject.common_name = name;
  what.ca = true;
  what.not_before = kNow;
  what.not_after = kNow + 10 * kYear;
  auto certificate = sign_certificate(what, *key, nullptr, *key);
  return {*key, *certificate};
}

TEST(Certificate, HoldsWhatItWasMadeOf) {
  Authority ca = make_authority("kubernetes");
  auto key = PrivateKey::generate();
  CertificateTemplate what;
  what.subject = {"system:node:n1", {"system:nodes", "b"}};
  what.server_auth = true;
  what.dns_names = {"kubernetes", "localhost"};
  what.ip_addresses = {"10.43.0.1", "::1"};
  what.not_before = kNow;
  what.not_after = kNow + kYear;
  auto made = sign_certificate(what, *key, &ca.certificate, ca.key);
  ASSERT_TRUE(made) << made.error().message();
  auto read = Certificate::from_pem(made->to_pem());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subject().common_name, "system:node:n1");
  EXPECT_THAT(read->subject().organizations, ElementsAre("system:nodes", "b"));
  EXPECT_EQ(read->issuer_common_name(), "kubernetes");
  EXPECT_THAT(read->dns_names(), ElementsAre("kubernetes", "localhost"));
  EXPECT_THAT(read->ip_addresses(), ElementsAre("10.43.0.1", "::1"));
  EXPECT_EQ(read->not_before(), kNow);
  EXPECT_EQ(read->not_after(), kNow + kYear);
  EXPECT_FALSE(read->is_ca());
  EXPECT_TRUE(read->allows_server_auth());
  EXPECT_FALSE(read->allows_client_auth());
  EXPECT_TRUE(read->is_signed_by(ca.certificate));
  EXPECT_TRUE(read->belongs_to(*key));
  EXPECT_FALSE(read->belongs_to(ca.key));
  EXPECT_EQ(read->sha256_fingerprint().size(), 64u);
  EXPECT_TRUE(ca.certificate.is_ca());
}

TEST(Certificate, SerialsDiffer) {
  Authority a = make_authority("x");
  Authority b = make_authority("x");
  EXPECT_NE(a.certificate.sha256_fingerprint(), b.certificate.sha256_fingerprint());
}

TEST(Certificate, IsNotSignedByAnother) {
  Authority a = make_authority("x");
  Authority b = make_authority("x");
  EXPECT_FALSE(a.certificate.is_signed_by(b.certificate));
  auto wrong = sign_certificate({}, a.key, &a.certificate, b.key);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("does not belong"));
}

TEST(Certificate, RefusesBadAddress) {
  Authority ca = make_authority("x");
  CertificateTemplate what;
  what.ip_addresses = {"10.0.0.256"};
  EXPECT_FALSE(sign_certificate(what, ca.key, &ca.certificate, ca.key));
}

TEST(Certificate, RefusesMalformedPem) {
  std::string good = make_authority("x").certificate.to_pem();
  EXPECT_FALSE(Certificate::from_pem(""));
  EXPECT_FALSE(Certificate::from_pem("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_FALSE(Certificate::from_pem(good.substr(0, good.size() / 2)));
  EXPECT_FALSE(Certificate::from_pem(std::string(kMaxPemBytes + 1, 'A')));
  EXPECT_FALSE(Certificate::from_pem(std::string(100'000, '\0')));
  EXPECT_FALSE(Certificate::from_der("\x30\x84\xff\xff\xff\xff"));
  std::string flipped = good;
  flipped[good.size() / 2] = '!';
  EXPECT_FALSE(Certificate::from_pem(flipped));
}

TEST(PrivateKey, RoundTripsAndRefusesEncrypted) {
  auto key = PrivateKey::generate();
  auto read = PrivateKey::from_pem(key->to_pem());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->public_pem(), key->public_pem());
  EXPECT_EQ(key_id(*read), key_id(*key));
  EXPECT_FALSE(PrivateKey::from_pem(key->public_pem()));
  EXPECT_FALSE(
      PrivateKey::from_pem("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                           "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
                           "-----END RSA PRIVATE KEY-----\n"));
}

TEST(SigningRequest, IsReadAndSigned) {
  Authority ca = make_authority("kubernetes");
  auto key = PrivateKey::generate();
  auto made =
      SigningRequest::make({"system:node:n1", {"system:nodes"}}, {"n1"}, {"10.0.0.1"}, *key);
  ASSERT_TRUE(made) << made.error().message();
  auto read = SigningRequest::from_pem(made->to_pem());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->subject().common_name, "system:node:n1");
  EXPECT_THAT(read->dns_names(), ElementsAre("n1"));
  EXPECT_FALSE(read->has_emails_or_uris());
  CertificateTemplate what;
  what.ca = true;  // never honoured for a request
  what.subject.common_name = "ignored";
  what.client_auth = true;
  what.not_before = kNow;
  what.not_after = kNow + kYear;
  auto certificate = sign_request(*read, what, ca.certificate, ca.key);
  ASSERT_TRUE(certificate) << certificate.error().message();
  EXPECT_FALSE(certificate->is_ca());
  EXPECT_EQ(certificate->subject().common_name, "system:node:n1");
  EXPECT_THAT(certificate->ip_addresses(), ElementsAre("10.0.0.1"));
  EXPECT_TRUE(certificate->belongs_to(*key));
}

TEST(SigningRequest, RefusesMalformedAndUnsigned) {
  auto key = PrivateKey::generate();
  auto plain = SigningRequest::make({"a", {}}, {}, {}, *key);
  EXPECT_THAT(plain->dns_names(), IsEmpty());
  std::string pem = plain->to_pem();
  EXPECT_FALSE(SigningRequest::from_pem(pem.substr(0, 80)));
  size_t near_end = pem.find("\n-----END") - 12;
  pem[near_end] = pem[near_end] == 'A' ? 'B' : 'A';  // a bit of its signature
  EXPECT_FALSE(SigningRequest::from_pem(pem));
}

}  // namespace
}  // namespace tiphys::crypto
