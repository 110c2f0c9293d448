#include "main/join_discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/bootstrap_signer.h"
#include "kinds/core_v1.h"

namespace tiphys {
namespace {

using testing::HasSubstr;

const std::string kHash(64, 'a');

crypto::Certificate make_ca() {
  Result<crypto::PrivateKey> key = crypto::PrivateKey::generate();
  crypto::CertificateTemplate what{.subject = {"kubernetes", {}}, .ca = true};
  what.not_after = 3600 * kMicrosPerSecond;
  return *crypto::sign_certificate(what, *key, nullptr, *key);
}

ObjectPtr cluster_info(const std::map<std::string, std::string>& data) {
  Draft draft = core_v1::ConfigMap::make();
  auto edit = core_v1::ConfigMapEdit(draft).edit_data();
  for (const auto& [key, value] : data) edit.set(key, value);
  return draft.freeze();
}

TEST(CaPinsTest, hashes_are_read_in_kubeadms_words) {
  EXPECT_TRUE(CaPins::parse({"sha256:" + kHash, "SHA256:" + std::string(64, 'B')}));
  EXPECT_TRUE(CaPins::parse({})->empty());
  auto words = [](const std::string& hash) { return CaPins::parse({hash}).error().message(); };
  EXPECT_EQ(words(kHash),
            "invalid discovery token CA certificate hash: invalid hash, expected "
            "\"format:hex-value\". Known format(s) are: sha256");
  EXPECT_THAT(words("md5:" + kHash), HasSubstr("unknown hash format \"md5\""));
  EXPECT_THAT(words("sha256:abcd"), HasSubstr("expected a 32 byte SHA-256 hash, found 2 bytes"));
  EXPECT_THAT(words("sha256:" + std::string(64, 'x')),
              HasSubstr("could not decode SHA-256 from hex"));
}

TEST(CaPinsTest, one_of_several_pinned_keys_is_enough_and_both_sides_are_told) {
  crypto::Certificate one = make_ca();
  crypto::Certificate two = make_ca();
  CaPins both = *CaPins::parse({"sha256:" + kHash, "sha256:" + two.subject_key_sha256()});
  EXPECT_TRUE(both.check(one.to_pem() + two.to_pem()));
  EXPECT_TRUE(both.check(two.to_pem()));
  Result<void> wrong = CaPins::parse({"sha256:" + kHash})->check(one.to_pem());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(),
            "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "
            "\"sha256:" +
                one.subject_key_sha256() + "\" are pinned, only \"sha256:" + kHash + "\"");
  EXPECT_FALSE(both.check("no PEM at all"));
}

TEST(VerifiedClusterTest, only_what_the_token_signed_is_believed) {
  BootstrapToken token = *BootstrapToken::parse("abcdef.0123456789abcdef");
  std::string text = "apiVersion: v1\n";
  std::string good = controllers::detached_signature(text, token.id, token.secret);
  std::string forged = controllers::detached_signature(text, token.id, "0123456789abcdeX");
  auto verified = [&](const std::map<std::string, std::string>& data) {
    return verified_cluster(*cluster_info(data), token);
  };
  EXPECT_EQ(*verified({{"kubeconfig", text}, {"jws-kubeconfig-abcdef", good}}), text);
  EXPECT_THAT(verified({{"kubeconfig", text}, {"jws-kubeconfig-abcdef", forged}}).error().message(),
              HasSubstr("failed to verify JWS signature"));
  EXPECT_THAT(
      verified({{"kubeconfig", text + " "}, {"jws-kubeconfig-abcdef", good}}).error().message(),
      HasSubstr("failed to verify JWS signature"));
  EXPECT_THAT(verified({{"kubeconfig", text}, {"jws-kubeconfig-other0", good}}).error().message(),
              HasSubstr("token id \"abcdef\" is invalid for this cluster or it has expired"));
  EXPECT_THAT(verified({{"jws-kubeconfig-abcdef", good}}).error().message(),
              HasSubstr("there is no kubeconfig key"));
}

TEST(OnlyClusterTest, a_strangers_kubeconfig_reads_no_file_and_needs_a_ca) {
  auto parse = [](const std::string& cluster) {
    return client::parse_only_cluster("clusters:\n- name: \"\"\n  cluster: " + cluster + "\n");
  };
  auto ca = base64_encode("PEM");
  EXPECT_EQ(parse("{server: 'https://a:1', certificate-authority-data: " + ca + "}")->tls.ca_pem,
            "PEM");
  EXPECT_FALSE(parse("{server: 'https://a:1', certificate-authority: /etc/passwd}"));
  EXPECT_FALSE(parse("{certificate-authority-data: " + ca + "}"));
  EXPECT_FALSE(parse("[]"));
  EXPECT_FALSE(client::parse_only_cluster("clusters: []"));
  EXPECT_FALSE(client::parse_only_cluster("clusters: [a]"));
  EXPECT_FALSE(client::parse_only_cluster("[]"));
  EXPECT_FALSE(client::parse_only_cluster("clusters: [{cluster: {}}, {cluster: {}}]"));
}

}  // namespace
}  // namespace tiphys
