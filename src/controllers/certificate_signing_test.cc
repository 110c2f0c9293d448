#include "controllers/certificate_signing.h"

#include "controllers/control_world_test.h"
#include "controllers/kubelet_requests.h"
#include "crypto/csr.h"

namespace tiphys::controllers {
namespace {

using certificates_v1::CertificateSigningRequest;
using certificates_v1::CertificateSigningRequestEdit;

struct Wanted {
  std::string name;
  std::string_view signer = kKubeletClientSigner;
  crypto::Subject subject{"system:node:n", {"system:nodes"}};
  std::vector<std::string> dns_names;
  std::vector<std::string_view> usages{"digital signature", "client auth"};
  std::string_view verdict = "Approved";
  int32_t seconds = 0;
};

class Signers {
 public:
  Signers() : key(*crypto::PrivateKey::generate()), ca(make_ca()) {
    world.options.authorities = {{std::string(kKubeletClientSigner), {ca, key}},
                                 {std::string(kKubeletServingSigner), {ca, key}},
                                 {std::string(kApiClientSigner), {ca, key}}};
    world.restart();
  }
  crypto::Certificate make_ca() {
    crypto::CertificateTemplate what;
    what.ca = true;
    what.subject.common_name = "ca";
    what.not_after = world.loop.wall() + 400LL * 86400 * kMicrosPerSecond;
    return *crypto::sign_certificate(what, key, nullptr, key);
  }
  void ask(const Wanted& wanted) {
    auto request = crypto::SigningRequest::make(wanted.subject, wanted.dns_names, {}, key);
    Draft draft = CertificateSigningRequest::make();
    CertificateSigningRequestEdit edit(draft);
    edit.edit_metadata().set_name(wanted.name);
    edit.edit_metadata().set_creation_timestamp(world.loop.wall());
    edit.edit_spec().set_request(request->to_pem());
    edit.edit_spec().set_signer_name(wanted.signer);
    if (wanted.seconds > 0) edit.edit_spec().set_expiration_seconds(wanted.seconds);
    for (std::string_view usage : wanted.usages) edit.edit_spec().edit_usages().append(usage);
    if (!wanted.verdict.empty()) {
      auto condition = edit.edit_status().edit_conditions().append();
      condition.set_type(wanted.verdict);
      condition.set_status("True");
      condition.set_last_update_time(world.loop.wall());
    }
    world.api.put(certificate_signing_requests(), draft.freeze());
  }
  ObjectPtr get(std::string_view name) {
    return world.api.get(certificate_signing_requests(), "", name);
  }
  std::optional<crypto::Certificate> certificate(std::string_view name) {
    auto parsed =
        crypto::Certificate::from_pem(CertificateSigningRequest(*get(name)).status().certificate());
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  std::string failure(std::string_view name) {
    return std::string(find_verdict(CertificateSigningRequest(*get(name)), "Failed").message());
  }

  ControlWorld world{1,
                     {"certificatesigningrequest-signing-controller",
                      "certificatesigningrequest-cleaner-controller"}};
  crypto::PrivateKey key;
  crypto::Certificate ca;
};

TEST(CertificateSigning, signs_what_is_approved_and_well_formed) {
  Signers signers;
  signers.ask({.name = "good", .seconds = 3600});
  signers.ask({.name = "undecided", .verdict = ""});
  signers.ask({.name = "denied", .verdict = "Denied"});
  signers.ask({.name = "other", .signer = "example.com/x"});
  signers.ask({.name = "serving",
               .signer = kKubeletServingSigner,
               .dns_names = {"n"},
               .usages = {"digital signature", "key encipherment", "server auth"}});
  signers.world.loop.run_for(seconds(30));
  auto good = signers.certificate("good");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->subject().common_name, "system:node:n");
  EXPECT_TRUE(good->allows_client_auth());
  EXPECT_FALSE(good->allows_server_auth());
  EXPECT_TRUE(good->is_signed_by(signers.ca));
  EXPECT_EQ((good->not_after() - good->not_before()) / kMicrosPerSecond, 3600 + 300);
  EXPECT_FALSE(signers.certificate("undecided"));
  EXPECT_FALSE(signers.certificate("denied"));
  EXPECT_FALSE(signers.certificate("other"));
  ASSERT_TRUE(signers.certificate("serving"));
  EXPECT_TRUE(signers.certificate("serving")->allows_server_auth());
}

TEST(CertificateSigning, says_why_it_never_will) {
  Signers signers;
  signers.ask({.name = "root", .subject = {"root", {"system:masters"}}});
  signers.ask({.name = "names", .dns_names = {"evil"}});
  signers.ask({.name = "usages", .usages = {"server auth"}});
  signers.ask({.name = "nameless",
               .signer = kKubeletServingSigner,
               .usages = {"digital signature", "server auth"}});
  signers.ask({.name = "client", .signer = kApiClientSigner, .usages = {"cert sign"}});
  signers.world.loop.run_for(seconds(30));
  EXPECT_EQ(signers.failure("root"), "subject organization is not system:nodes");
  EXPECT_EQ(signers.failure("names"), "DNS subjectAltNames are not allowed");
  EXPECT_EQ(signers.failure("usages"), "usages did not match [client auth digital signature]");
  EXPECT_EQ(signers.failure("nameless"), "DNS or IP subjectAltName is required");
  EXPECT_EQ(signers.failure("client"), "invalid usage for client certificate: cert sign");
  for (const char* name : {"root", "names", "usages", "nameless", "client"}) {
    EXPECT_FALSE(signers.certificate(name)) << name;
  }
}

TEST(CertificateCleaner, the_decided_go_after_an_hour_the_pending_after_a_day) {
  Signers signers;
  signers.ask({.name = "issued"});
  signers.ask({.name = "denied", .verdict = "Denied"});
  signers.ask({.name = "failing", .subject = {"root", {"system:masters"}}});
  signers.ask({.name = "pending", .verdict = ""});
  auto left = [&] {
    std::set<std::string> names;
    for (const char* name : {"issued", "denied", "failing", "pending"}) {
      if (signers.get(name)) names.insert(name);
    }
    return names;
  };
  signers.world.loop.run_for(minutes(59));
  EXPECT_TRUE(signers.certificate("issued"));
  EXPECT_NE(signers.failure("failing"), "");
  EXPECT_EQ(left().size(), 4u);
  // Looked at once an hour, as upstream.
  signers.world.loop.run_for(minutes(62));
  EXPECT_EQ(left(), std::set<std::string>{"pending"});
  signers.world.loop.run_for(std::chrono::hours(21));
  EXPECT_EQ(left(), std::set<std::string>{"pending"}) << "23 hours old";
  signers.world.loop.run_for(std::chrono::hours(2));
  EXPECT_EQ(left(), std::set<std::string>{});
}

TEST(CertificateCleaner, what_is_decided_late_stays_for_an_hour_then) {
  Signers signers;
  signers.ask({.name = "late", .signer = "example.com/x", .verdict = ""});
  signers.world.loop.run_for(std::chrono::hours(23));
  Draft draft(*signers.get("late"));
  auto condition = CertificateSigningRequestEdit(draft).edit_status().edit_conditions().append();
  condition.set_type("Denied");
  condition.set_status("True");
  condition.set_last_update_time(signers.world.loop.wall());
  signers.world.api.put(certificate_signing_requests(), draft.freeze());
  signers.world.loop.run_for(minutes(59));
  EXPECT_TRUE(signers.get("late"));
  signers.world.loop.run_for(minutes(62));
  EXPECT_FALSE(signers.get("late"));
}

TEST(CertificateCleaner, what_is_approved_but_never_signed_stays) {
  Signers signers;
  signers.ask({.name = "other", .signer = "example.com/x", .verdict = "Approved"});
  signers.world.loop.run_for(std::chrono::hours(48));
  EXPECT_TRUE(signers.get("other"));
}

}  // namespace
}  // namespace tiphys::controllers
