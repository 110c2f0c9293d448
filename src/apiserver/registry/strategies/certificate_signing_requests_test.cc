#include "apiserver/api_server_fixture.h"
#include "apiserver/validation/certificate_pem.h"
#include "base/strings.h"
#include "crypto/csr.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kRequests[] = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

class SigningRequestTest : public ApiServerTest {
 protected:
  SigningRequestTest() : key_(*crypto::PrivateKey::generate()) {
    auto request = crypto::SigningRequest::make({"a", {}}, {}, {}, key_);
    Reply made = ask("POST", kRequests,
                     R"({"metadata":{"name":"r"},"spec":{"username":"forged","uid":"1",)"
                     R"("signerName":"example.com/x","usages":["client auth"],"request":")" +
                         base64_encode(request->to_pem()) +
                         R"("},"status":{"conditions":[{"type":"Approved","status":"True"}]}})");
    EXPECT_EQ(made.status, 201) << made.body;
  }
  Reply patch(const std::string& subresource, const std::string& body) {
    return ask("PATCH", std::string(kRequests) + "/r/" + subresource, body,
               "application/merge-patch+json");
  }
  std::string certificate() const {
    crypto::CertificateTemplate what;
    what.subject.common_name = "a";
    what.not_after = 1000 * kMicrosPerSecond;
    return crypto::sign_certificate(what, key_, nullptr, key_)->to_pem();
  }
  static std::string condition(const std::string& type, const std::string& status = "True") {
    return R"({"status":{"conditions":[{"type":")" + type + R"(","status":")" + status + R"("}]}})";
  }
  crypto::PrivateKey key_;
};

TEST_F(SigningRequestTest, SaysWhoAsked) {
  Reply got = ask("GET", std::string(kRequests) + "/r");
  EXPECT_EQ(at(got.body, {"spec", "username"}), "admin");
  EXPECT_EQ(at(got.body, {"spec", "uid"}), "<none>");
  EXPECT_EQ(at(got.body, {"spec", "groups"}), R"(["system:masters","system:authenticated"])");
  EXPECT_EQ(at(got.body, {"status"}), "{}");
  Reply changed = ask("PATCH", std::string(kRequests) + "/r",
                      R"({"spec":{"signerName":"x/y"},"metadata":{"labels":{"a":"b"}}})",
                      "application/merge-patch+json");
  EXPECT_EQ(at(changed.body, {"spec", "signerName"}), "example.com/x");
  EXPECT_EQ(at(changed.body, {"metadata", "labels", "a"}), "b");
}

TEST_F(SigningRequestTest, VerdictsComeByApprovalAndStay) {
  EXPECT_THAT(at(patch("status", condition("Approved")).body, {"message"}),
              HasSubstr("status.conditions: Forbidden: updates may not add a condition of type "
                        "\"Approved\""));
  EXPECT_THAT(patch("approval", condition("Approved", "False")).body,
              HasSubstr("status.conditions[0].status: Unsupported value: \\\"False\\\": supported "
                        "values: \\\"True\\\""));
  Reply approved = patch("approval", condition("Approved"));
  EXPECT_EQ(approved.status, 200) << approved.body;
  EXPECT_THAT(approved.body, HasSubstr("lastTransitionTime"));
  EXPECT_THAT(patch("approval", condition("Denied")).body,
              HasSubstr("updates may not remove a condition of type \\\"Approved\\\""));
  EXPECT_THAT(patch("approval", R"({"status":{"conditions":[{"type":"Approved","status":"True"},)"
                                R"({"type":"Denied","status":"True"}]}})")
                  .body,
              HasSubstr("Approved and Denied conditions are mutually exclusive"));
}

TEST_F(SigningRequestTest, CertificatesComeByStatusOnce) {
  auto body = [](const std::string& pem) {
    return R"({"status":{"certificate":")" + base64_encode(pem) + R"("}})";
  };
  EXPECT_EQ(at(patch("approval", body(certificate())).body, {"status", "certificate"}), "<none>");
  EXPECT_THAT(at(patch("status", body("x")).body, {"message"}),
              HasSubstr("status.certificate: Invalid value: \"<certificate data>\": must "
                        "contain at least one CERTIFICATE PEM block"));
  EXPECT_EQ(patch("status", body(certificate())).status, 200);
  EXPECT_THAT(patch("status", body(certificate() + "\n")).body,
              HasSubstr("updates may not modify existing certificate content"));
}

TEST(CertificatePem, TellsWhatIsWrong) {
  EXPECT_EQ(certificate_pem_problem(""), "");
  EXPECT_EQ(certificate_pem_problem("-----BEGIN X-----\n-----END X-----\n"),
            "only CERTIFICATE PEM blocks are allowed, found \"X\"");
  EXPECT_EQ(certificate_pem_problem("-----BEGIN CERTIFICATE-----\na: b\n-----END CERTIFICATE-----"),
            "no PEM block headers are permitted");
  EXPECT_EQ(certificate_pem_problem("-----BEGIN CERTIFICATE-----"),
            "must contain at least one CERTIFICATE PEM block");
}

}  // namespace
}  // namespace tiphys::apiserver
