#include "crypto/pki.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "async/sim_loop.h"
#include "crypto/pki_renewal.h"
#include "os/files.h"

namespace tiphys::crypto {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kDay = std::chrono::hours(24);

class PkiTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tiphys-pki-XXXXXX";
    folder_ = mkdtemp(name);
    options_.node_name = "n1";
    options_.advertise_addresses = {"192.168.0.5"};
    options_.dns_names = {"api.example.com"};
  }
  void TearDown() override { (void)os::remove_tree(folder_); }
  Result<Pki> ensure() { return Pki::ensure(folder_ + "/pki", options_, loop_); }
  std::string file(const std::string& name) { return folder_ + "/pki/" + name; }
  std::string text(const std::string& name) { return *os::read_file(file(name)); }
  static Certificate certificate(const Pki& pki, PkiLeaf leaf) {
    return *Certificate::from_pem(pki.pair(leaf).certificate_pem);
  }
  SimLoop loop_;
  std::string folder_;
  PkiOptions options_;
};

TEST_F(PkiTest, MakesKubeadmsFiles) {
  auto pki = ensure();
  ASSERT_TRUE(pki) << pki.error().message();
  for (std::string name : {"ca", "front-proxy-ca", "apiserver", "apiserver-kubelet-client",
                           "front-proxy-client", "admin", "kube-scheduler", "kubelet",
                           "kube-controller-manager", "kubelet-client", "kube-proxy"}) {
    EXPECT_TRUE(os::exists(file(name + ".crt"))) << name;
    struct stat status{};
    ASSERT_EQ(stat(file(name + ".key").c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777u, 0600u) << name;
  }
  EXPECT_EQ(text("sa.pub"), PrivateKey::from_pem(text("sa.key"))->public_pem());
}

TEST_F(PkiTest, CertifiesWhoIsWho) {
  auto pki = *ensure();
  Certificate server = certificate(pki, PkiLeaf::kApiserver);
  EXPECT_THAT(
      server.dns_names(),
      ElementsAre("kubernetes", "kubernetes.default", "kubernetes.default.svc",
                  "kubernetes.default.svc.cluster.local", "localhost", "n1", "api.example.com"));
  EXPECT_THAT(server.ip_addresses(), ElementsAre("10.43.0.1", "127.0.0.1", "192.168.0.5"));
  EXPECT_TRUE(server.allows_server_auth());
  EXPECT_FALSE(server.allows_client_auth());
  Certificate node = certificate(pki, PkiLeaf::kKubeletClient);
  EXPECT_EQ(node.subject().common_name, "system:node:n1");
  EXPECT_THAT(node.subject().organizations, ElementsAre("system:nodes"));
  Certificate admin = certificate(pki, PkiLeaf::kAdmin);
  EXPECT_THAT(admin.subject().organizations, ElementsAre("system:masters"));
  EXPECT_TRUE(admin.is_signed_by(*pki.ca_certificate()));
  Certificate proxy = certificate(pki, PkiLeaf::kFrontProxyClient);
  EXPECT_FALSE(proxy.is_signed_by(*pki.ca_certificate()));
  EXPECT_EQ(proxy.issuer_common_name(), "front-proxy-ca");
}

TEST_F(PkiTest, LoadsWhatIsThere) {
  auto first = *ensure();
  auto second = *ensure();
  EXPECT_EQ(first.ca_pem(), second.ca_pem());
  for (int i = 0; i < kPkiLeafCount; i++) {
    auto leaf = static_cast<PkiLeaf>(i);
    EXPECT_EQ(first.pair(leaf).certificate_pem, second.pair(leaf).certificate_pem);
  }
}

TEST_F(PkiTest, NewNameMakesOnlyTheServersLeafAnew) {
  auto first = *ensure();
  options_.advertise_addresses.push_back("fd00:0:0::7");
  auto second = *ensure();
  EXPECT_THAT(certificate(second, PkiLeaf::kApiserver).ip_addresses(), Contains("fd00::7"));
  EXPECT_EQ(first.pair(PkiLeaf::kAdmin).key_pem, second.pair(PkiLeaf::kAdmin).key_pem);
  auto third = *ensure();
  EXPECT_EQ(third.pair(PkiLeaf::kApiserver).key_pem, second.pair(PkiLeaf::kApiserver).key_pem);
}

TEST_F(PkiTest, RenewsInTheLastThirdOfLife) {
  auto pki = *ensure();
  std::string before = pki.pair(PkiLeaf::kAdmin).certificate_pem;
  loop_.run_for(240 * kDay);
  EXPECT_THAT(pki.renew(loop_).changed, IsEmpty());
  loop_.run_for(5 * kDay);
  EXPECT_THAT(pki.renew(loop_).changed, SizeIs(kPkiLeafCount));
  EXPECT_NE(pki.pair(PkiLeaf::kAdmin).certificate_pem, before);
  EXPECT_EQ(text("admin.crt"), pki.pair(PkiLeaf::kAdmin).certificate_pem);
  EXPECT_GT(certificate(pki, PkiLeaf::kAdmin).not_after(),
            loop_.wall() + 364 * 86400 * kMicrosPerSecond);
}

TEST_F(PkiTest, RenewalTaskPassesItOn) {
  auto pki = *ensure();
  PkiRenewal renewal(loop_, pki);
  std::vector<std::string> seen;
  renewal.on_renewed(PkiLeaf::kApiserver,
                     [&](const PkiPair& pair) { seen.push_back(pair.certificate_pem); });
  StopSource stop;
  spawn(renewal.run(stop.token()));
  loop_.run_for(240 * kDay);
  EXPECT_THAT(seen, IsEmpty());
  loop_.run_for(10 * kDay);
  EXPECT_THAT(seen, ElementsAre(pki.pair(PkiLeaf::kApiserver).certificate_pem));
  stop.request_stop();
  loop_.run_ready();
}

TEST_F(PkiTest, LeavesNeverOutliveTheirAuthority) {
  auto pki = *ensure();
  loop_.run_for(3600 * kDay);
  ASSERT_TRUE(ensure());
  EXPECT_EQ(certificate(*ensure(), PkiLeaf::kAdmin).not_after(), pki.ca_certificate()->not_after());
}

TEST_F(PkiTest, NamesTheMalformedFile) {
  (void)*ensure();
  ASSERT_TRUE(os::write_file(file("ca.crt"), "junk"));
  EXPECT_THAT(ensure().error().message(), HasSubstr("/pki/ca.crt: "));
  ASSERT_TRUE(os::write_file(file("ca.crt"), text("front-proxy-ca.crt")));
  EXPECT_THAT(ensure().error().message(), HasSubstr("ca.key: does not belong to"));
}

TEST_F(PkiTest, HealsHalfWrittenLeaves) {
  (void)*ensure();
  ASSERT_TRUE(os::write_file(file("admin.crt"), text("admin.crt").substr(0, 100)));
  ASSERT_TRUE(os::write_file(file("kubelet.key"), text("admin.key")));
  ASSERT_TRUE(os::remove_file(file("kube-proxy.key")));
  auto pki = *ensure();
  for (PkiLeaf leaf : {PkiLeaf::kAdmin, PkiLeaf::kKubeletServing, PkiLeaf::kKubeProxy}) {
    EXPECT_TRUE(certificate(pki, leaf).belongs_to(*PrivateKey::from_pem(pki.pair(leaf).key_pem)));
  }
}

TEST_F(PkiTest, WorksWithAnExternalAuthority) {
  auto before = *ensure();
  ASSERT_TRUE(os::remove_file(file("ca.key")));
  loop_.run_for(300 * kDay);
  auto after = *ensure();
  EXPECT_EQ(after.pair(PkiLeaf::kAdmin).key_pem, before.pair(PkiLeaf::kAdmin).key_pem);
  EXPECT_EQ(after.ca_key(), nullptr);
  ASSERT_TRUE(os::remove_file(file("admin.crt")));
  EXPECT_THAT(ensure().error().message(), HasSubstr("admin.crt: missing or malformed"));
}

TEST_F(PkiTest, WritesKubeconfigOnceAndPrivately) {
  auto pki = *ensure();
  std::string conf = folder_ + "/etc/admin.conf";
  ASSERT_TRUE(pki.write_kubeconfig(PkiLeaf::kAdmin, "https://127.0.0.1:6443", conf));
  struct stat first{};
  ASSERT_EQ(stat(conf.c_str(), &first), 0);
  EXPECT_EQ(first.st_mode & 0777u, 0600u);
  ASSERT_TRUE(pki.write_kubeconfig(PkiLeaf::kAdmin, "https://127.0.0.1:6443", conf));
  struct stat second{};
  ASSERT_EQ(stat(conf.c_str(), &second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
  EXPECT_THAT(*os::read_file(conf), HasSubstr("current-context: \"kubernetes-admin@kubernetes\""));
}

}  // namespace
}  // namespace tiphys::crypto
