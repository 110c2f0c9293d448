// Certificates that are asked for and renewed, on virtual time against a model of the API's
// signers.
#include "kubelet/certificates/certificate_manager.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "async/sim_loop.h"
#include "crypto/csr.h"
#include "kinds/certificates_v1.h"
#include "kubelet/full_disk.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(RotationDeadline, lies_between_70_and_90_percent) {
  EXPECT_EQ(rotation_deadline(1000, 2000, 0), 1700);
  EXPECT_NEAR(static_cast<double>(rotation_deadline(1000, 2000, 0.5)), 1800, 1);
  EXPECT_LT(rotation_deadline(1000, 2000, 0.999999), 1900);
}

// Signs what it is asked to, once it is told to.
class Signer : public client::Transport {
 public:
  explicit Signer(SimLoop& loop) : loop_(loop) {
    crypto::CertificateTemplate what;
    what.subject.common_name = "ca";
    what.ca = true;
    what.not_after = loop.wall() + 100'000 * 3600 * kMicrosPerSecond;
    ca_ = *crypto::sign_certificate(what, key_, nullptr, key_);
  }
  Task<Result<client::Response>> send(client::Request request) override {
    if (!refusal.empty()) co_return ApiStatus::unauthorized(refusal);
    client::Response answer;
    if (request.method == "POST") {
      Draft draft(*request.object);
      certificates_v1::CertificateSigningRequestEdit(draft).edit_metadata().set_name(
          "csr-" + std::to_string(++made));
      object_ = draft.freeze();
    }
    answer.object = decided();
    co_return answer;
  }
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request) override {
    co_return ApiStatus::internal("no watches here");
  }

  std::string refusal;
  bool approves = true;
  bool denies = false;
  Duration life = hours(10);
  int made = 0;
  ObjectPtr last() const { return object_; }

 private:
  ObjectPtr decided() {
    Draft draft(*object_);
    auto status = certificates_v1::CertificateSigningRequestEdit(draft).edit_status();
    if (denies) {
      auto condition = status.edit_conditions().append();
      condition.set_type("Denied");
      condition.set_reason("No");
      condition.set_message("not today");
    } else if (approves) {
      auto csr = *crypto::SigningRequest::from_pem(
          certificates_v1::CertificateSigningRequest(*object_).spec().request());
      crypto::CertificateTemplate what;
      what.client_auth = true;
      what.not_before = loop_.wall();
      what.not_after = loop_.wall() + life / std::chrono::microseconds(1);
      status.set_certificate(crypto::sign_request(csr, what, *ca_, key_)->to_pem());
    }
    return draft.freeze();
  }
  SimLoop& loop_;
  crypto::PrivateKey key_ = *crypto::PrivateKey::generate();
  std::optional<crypto::Certificate> ca_;
  ObjectPtr object_;
};

struct CertificateManagerTest : testing::Test {
  CertificateManagerTest() {
    folder = testing::TempDir() + "certificates";
    std::filesystem::remove_all(folder);
  }
  ~CertificateManagerTest() override { loop.run(manager.stop()); }

  SimLoop loop;
  Signer signer{loop};
  client::Client api{signer, "kubelet"};
  SeededRandom random{1};
  std::string folder;
  int renewed = 0;
  int over = 0;
  std::optional<Duration> lived;
  CertificatePair pair;
  CertificateStore store{testing::TempDir() + "certificates", "kubelet-client"};
  CertificateManager manager{
      loop,
      api,
      random,
      store,
      client_certificate_wish("n1"),
      {.on_renewed =
           [this](const CertificatePair& fresh, std::optional<Duration> age) {
             ++renewed;
             pair = fresh;
             lived = age;
           },
       .on_over = [this] { ++over; }}};
};

TEST_F(CertificateManagerTest, the_first_is_asked_for_at_once) {
  manager.start(std::nullopt);
  loop.run_for(seconds(1));
  EXPECT_EQ(renewed, 1);
  auto spec = certificates_v1::CertificateSigningRequest(*signer.last()).spec();
  EXPECT_EQ(spec.signer_name(), "kubernetes.io/kube-apiserver-client-kubelet");
  ASSERT_EQ(spec.usages().size(), 2u);
  auto certificate = *crypto::Certificate::from_pem(pair.certificate_pem);
  EXPECT_EQ(certificate.subject().common_name, "system:node:n1");
  EXPECT_EQ(certificate.subject().organizations, std::vector<std::string>{"system:nodes"});
  auto kept = store.load();
  ASSERT_TRUE(kept);
  EXPECT_NE(kept->certificate_pem.find(pair.certificate_pem), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_symlink(folder + "/kubelet-client-current.pem"));
}

TEST_F(CertificateManagerTest, the_next_comes_before_the_end) {
  manager.start(std::nullopt);
  loop.run_for(hours(6) + minutes(59));
  EXPECT_EQ(renewed, 1);
  loop.run_for(hours(2) + minutes(1));
  EXPECT_EQ(renewed, 2);
  loop.run_for(hours(100));
  EXPECT_GE(renewed, 11);
  EXPECT_EQ(signer.made, renewed) << "none is asked for in vain";
}

TEST_F(CertificateManagerTest, a_server_that_refuses_is_asked_again) {
  signer.refusal = "Unauthorized";
  manager.start(std::nullopt);
  loop.run_for(minutes(10));
  EXPECT_EQ(renewed, 0);
  signer.refusal.clear();
  loop.run_for(minutes(2));
  EXPECT_EQ(renewed, 1);
}

TEST_F(CertificateManagerTest, a_denied_request_is_made_anew_with_back_off) {
  signer.denies = true;
  manager.start(std::nullopt);
  loop.run_for(hours(1));
  EXPECT_EQ(renewed, 0);
  EXPECT_LT(signer.made, 120);
  EXPECT_GT(signer.made, 50);
}

TEST_F(CertificateManagerTest, approval_may_take_its_time) {
  signer.approves = false;
  manager.start(std::nullopt);
  loop.run_for(minutes(14));
  EXPECT_EQ(signer.made, 1) << "one request waits";
  signer.approves = true;
  loop.run_for(seconds(11));
  EXPECT_EQ(renewed, 1);
}

TEST_F(CertificateManagerTest, its_life_is_measured) {
  EXPECT_TRUE(std::isinf(manager.numbers().ttl_seconds)) << "there is none";
  signer.refusal = "Unauthorized";
  manager.start(std::nullopt);
  loop.run_for(seconds(1));
  EXPECT_EQ(manager.numbers().renew_errors, 1);
  EXPECT_EQ(over, 0) << "there was none";
  signer.refusal.clear();
  loop.run_for(minutes(1));
  EXPECT_NEAR(manager.numbers().ttl_seconds, 36'000, 61);
  EXPECT_FALSE(lived);
  loop.run_for(hours(9));
  ASSERT_TRUE(lived);
  EXPECT_GE(*lived, hours(7));
  EXPECT_LE(*lived, hours(9));
}

// As upstream's: whoever supervises the kubelet starts it anew, with the bootstrap token.
TEST_F(CertificateManagerTest, one_that_is_over_is_told_by_a_server_that_answers) {
  manager.start(std::nullopt);
  loop.run_for(hours(6));
  signer.refusal = "Unauthorized";
  loop.run_for(hours(4) - seconds(1));
  EXPECT_EQ(over, 0);
  EXPECT_GT(manager.numbers().renew_errors, 100);
  loop.run_for(minutes(1));
  EXPECT_GT(over, 0);
  EXPECT_LT(manager.numbers().ttl_seconds, 0);
}

// Errors of writing: the old one stays, and stays in use.
TEST_F(CertificateManagerTest, one_that_cannot_be_stored_is_not_used) {
  manager.start(std::nullopt);
  loop.run_for(seconds(1));
  std::string before = *os::read_link(store.current_path());
  // A file where the folder was: nothing can be written in it.
  std::filesystem::rename(folder, folder + ".away");
  std::ofstream(folder) << "in the way";
  loop.run_for(hours(9));
  EXPECT_EQ(renewed, 1);
  EXPECT_GT(manager.numbers().renew_errors, 10);
  std::filesystem::remove(folder);
  std::filesystem::rename(folder + ".away", folder);
  EXPECT_EQ(*os::read_link(store.current_path()), before);
  EXPECT_TRUE(store.load());
  loop.run_for(minutes(1));
  EXPECT_EQ(renewed, 2);
  EXPECT_NE(*os::read_link(store.current_path()), before);
}

TEST_F(CertificateManagerTest, certificates_that_are_over_at_once_are_no_hot_loop) {
  signer.life = seconds(1);
  manager.start(std::nullopt);
  loop.run_for(minutes(1));
  EXPECT_LE(signer.made, 7);
}

TEST_F(CertificateManagerTest, a_full_disk_leaves_the_old_one_in_use) {
  manager.start(std::nullopt);
  loop.run_for(seconds(1));
  std::string before = *os::read_link(store.current_path());
  {
    FullDisk full;
    loop.run_for(hours(9));
  }
  EXPECT_EQ(renewed, 1);
  EXPECT_EQ(os::list_dir(folder)->size(), 2u) << "the old one and its link";
  EXPECT_TRUE(store.load());
  loop.run_for(minutes(1));
  EXPECT_EQ(renewed, 2) << "tried again";
}

TEST(CertificateStore, what_cannot_be_used_is_not_there) {
  std::string folder = testing::TempDir() + "broken";
  std::filesystem::create_directories(folder);
  CertificateStore store(folder, "x");
  EXPECT_FALSE(store.load());
  std::ofstream(folder + "/x-current.pem") << "no PEM";
  EXPECT_FALSE(store.load());
}

}  // namespace
}  // namespace tiphys::kubelet
