// Who may call a component's server, on virtual time against a model of the API server's reviews.
#include "main/caller_access.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "client/review_judge_test.h"

namespace tiphys {
namespace {

using std::chrono::seconds;
using Names = std::vector<std::string>;

using Peer = std::shared_ptr<const crypto::Certificate>;

struct Authority {
  crypto::PrivateKey key = *crypto::PrivateKey::generate();
  crypto::Certificate certificate;
  explicit Authority(MicroTime end)
      : certificate(*crypto::sign_certificate(
            {.subject = {.common_name = "ca", .organizations = {}}, .ca = true, .not_after = end},
            key, nullptr, key)) {}
  Peer issue(const std::string& name, const Names& organizations, MicroTime end) {
    crypto::PrivateKey own = *crypto::PrivateKey::generate();
    return std::make_shared<crypto::Certificate>(
        *crypto::sign_certificate({.subject = {.common_name = name, .organizations = organizations},
                                   .client_auth = true,
                                   .not_after = end},
                                  own, &certificate, key));
  }
};

struct CallerAccessTest : testing::Test {
  // "" for a call that goes through, else the answer.
  std::string ask(const std::string& path, Peer peer, const std::string& authorization = "") {
    if (!access) access.emplace(loop, api, api, options);
    net::Headers headers;
    if (!authorization.empty()) headers.set("authorization", authorization);
    if (!proxied.empty()) headers.set("x-remote-user", proxied);
    auto refused = loop.run(access->refusal({path, "get", headers, std::move(peer)}));
    return refused ? std::to_string(refused->status) + " " + *refused->body : "";
  }
  Peer certificate(const std::string& name, const Names& organizations = {}) {
    return clients.issue(name, organizations, soon);
  }

  SimLoop loop;
  MicroTime soon = loop.wall() + 2 * kMicrosPerSecond;
  Authority clients{soon}, front{soon};
  client::ReviewJudge judge;
  client::Client api{judge, "component"};
  CallerAccess::Options options;
  std::optional<CallerAccess> access;
  std::string proxied;
};

TEST_F(CallerAccessTest, ACertificateNamesUserAndGroups) {
  judge.rights = {"ann get /metrics"};
  EXPECT_EQ(ask("/metrics", certificate("ann", {"devs"})), "");
  EXPECT_EQ(judge.groups, (Names{"devs", "system:authenticated"}));
  EXPECT_EQ(ask("/configz", certificate("ann")),
            "403 forbidden: User \"ann\" cannot get path \"/configz\"\n");
}

// The TLS layer looks at a certificate once, when the connection is made.
TEST_F(CallerAccessTest, ACertificateThatIsOverIsNobodys) {
  judge.rights = {"ann get /metrics", "tom get /metrics", "system:anonymous get /metrics"};
  judge.tokens["t"] = "tom";
  Peer peer = certificate("ann");
  EXPECT_EQ(ask("/metrics", peer), "");
  loop.run_for(seconds(3));
  EXPECT_EQ(ask("/metrics", peer), "401 Unauthorized\n") << "not anonymous either";
  EXPECT_EQ(ask("/metrics", peer, "Bearer wrong"), "401 Unauthorized\n");
  EXPECT_EQ(ask("/metrics", peer, "Bearer t"), "") << "a token counts beside it";
  EXPECT_EQ(ask("/metrics", nullptr), "") << "anonymous may";
}

TEST_F(CallerAccessTest, ATokenMayWhatItsUserMay) {
  judge.tokens["t"] = "tom";
  judge.rights = {"tom get /metrics"};
  EXPECT_EQ(ask("/metrics", nullptr, "bEARER  t "), "");
  EXPECT_EQ(judge.groups, (Names{"system:serviceaccounts", "system:authenticated"}));
  EXPECT_EQ(ask("/metrics", nullptr, "Bearer wrong"), "401 Unauthorized\n");
  EXPECT_EQ(ask("/metrics", nullptr, "Basic eDp5"),
            "403 forbidden: User \"system:anonymous\" cannot get path \"/metrics\"\n");
  EXPECT_EQ(judge.groups, Names{"system:unauthenticated"});
}

TEST_F(CallerAccessTest, MastersAreNotJudged) {
  EXPECT_EQ(ask("/metrics", certificate("root", {"system:masters"})), "");
  EXPECT_EQ(judge.asked, 0);
}

TEST_F(CallerAccessTest, AFrontProxyIsBelievedAndItsClientsAreNot) {
  options.proxies.emplace(RequestHeaderFlags{}, std::vector{front.certificate});
  options.client_authorities = {clients.certificate};
  judge.rights = {"jane get /metrics", "ann get /metrics"};
  proxied = "jane";
  EXPECT_EQ(ask("/metrics", front.issue("front-proxy-client", {}, soon)), "");
  EXPECT_EQ(ask("/configz", certificate("ann")),
            "403 forbidden: User \"ann\" cannot get path \"/configz\"\n");
  proxied.clear();
  EXPECT_EQ(ask("/metrics", front.issue("jane", {}, soon)), "401 Unauthorized\n")
      << "of itself the proxy is nobody";
}

TEST_F(CallerAccessTest, WithoutTheApiServerNothingNewIsAllowed) {
  judge.rights = {"ann get /metrics"};
  EXPECT_EQ(ask("/metrics", certificate("ann")), "");
  judge.away = true;
  EXPECT_EQ(ask("/metrics", certificate("ann")), "") << "remembered";
  EXPECT_TRUE(ask("/configz", certificate("ann")).starts_with("500 "));
  EXPECT_EQ(ask("/metrics", nullptr, "Bearer t"), "401 Unauthorized\n");
}

}  // namespace
}  // namespace tiphys
