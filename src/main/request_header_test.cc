#include "main/request_header.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

struct Authority {
  crypto::PrivateKey key = *crypto::PrivateKey::generate();
  crypto::Certificate certificate =
      *crypto::sign_certificate({.subject = {.common_name = "ca", .organizations = {}},
                                 .ca = true,
                                 .not_after = kMicrosPerSecond},
                                key, nullptr, key);
  crypto::Certificate issue(const std::string& name) {
    crypto::PrivateKey own = *crypto::PrivateKey::generate();
    return *crypto::sign_certificate({.subject = {.common_name = name, .organizations = {}},
                                      .client_auth = true,
                                      .not_after = kMicrosPerSecond},
                                     own, &certificate, key);
  }
};

net::Headers headers() {
  net::Headers made;
  made.add("X-Remote-User", "jane");
  made.add("X-Remote-Group", "devs");
  made.add("X-Remote-Group", "ops");
  made.add("X-Remote-Extra-Scopes", "a");
  return made;
}

TEST(RequestHeaders, OnlyTheProxyIsBelieved) {
  Authority proxies, others;
  RequestHeaders believed({.allowed_names = {"front-proxy-client"}}, {proxies.certificate});
  auto named = believed.user(proxies.issue("front-proxy-client"), headers());
  ASSERT_TRUE(named && *named);
  EXPECT_EQ((*named)->name, "jane");
  EXPECT_EQ((*named)->groups, (std::vector<std::string>{"devs", "ops"}));
  EXPECT_EQ((*named)->extra.at("scopes"), std::vector<std::string>{"a"});

  auto stranger = believed.user(others.issue("front-proxy-client"), headers());
  ASSERT_TRUE(stranger);
  EXPECT_FALSE(*stranger);
  auto nobody = believed.user(proxies.issue("front-proxy-client"), {});
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(*nobody);
  auto misnamed = believed.user(proxies.issue("somebody"), headers());
  ASSERT_FALSE(misnamed);
  EXPECT_EQ(misnamed.error().message(),
            "x509: subject with cn=\"somebody\" is not in the allowed list");
}

TEST(RequestHeaders, ABundleHoldsSeveral) {
  Authority one, two;
  auto both = certificates_of(one.certificate.to_pem() + two.certificate.to_pem());
  ASSERT_TRUE(both);
  EXPECT_EQ(both->size(), 2u);
  EXPECT_TRUE(signed_by_any(two.issue("x"), *both));
  EXPECT_FALSE(certificates_of("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n"));
}

}  // namespace
}  // namespace tiphys
