// Who may call the kubelet's server, on virtual time against a model of the API server's reviews.
#include "kubelet/server/request_access.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "client/review_judge_test.h"
#include "crypto/certificate.h"
#include "kubelet/server/request_attributes.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Names = std::vector<std::string>;

TEST(RequestAttributes, verbs) {
  EXPECT_EQ(request_verb("GET"), "get");
  EXPECT_EQ(request_verb("POST"), "create");
  EXPECT_EQ(request_verb("PUT"), "update");
  EXPECT_EQ(request_verb("PATCH"), "patch");
  EXPECT_EQ(request_verb("DELETE"), "delete");
  EXPECT_EQ(request_verb("OPTIONS"), "");
}

TEST(RequestAttributes, subresources) {
  for (const char* path :
       {"/exec/ns/p/c", "/", "", "/attach", "/run/x", "/portForward/ns/p", "/containerLogs/ns/p/c",
        "/statsx", "/metricsx/y", "/debug/pprof", "//metrics"}) {
    EXPECT_EQ(request_subresources(path), Names{"proxy"}) << path;
  }
  EXPECT_EQ(request_subresources("/stats/summary"), Names{"stats"});
  EXPECT_EQ(request_subresources("/metrics"), Names{"metrics"});
  EXPECT_EQ(request_subresources("/metrics/cadvisor"), Names{"metrics"});
  EXPECT_EQ(request_subresources("/logs/x"), Names{"log"});
  EXPECT_EQ(request_subresources("/checkpoint/ns/p/c"), Names{"checkpoint"});
  EXPECT_EQ(request_subresources("/pods"), (Names{"pods", "proxy"}));
  EXPECT_EQ(request_subresources("/runningpods/"), (Names{"pods", "proxy"}));
  EXPECT_EQ(request_subresources("/healthz/syncloop"), (Names{"healthz", "proxy"}));
  EXPECT_EQ(request_subresources("/configz"), (Names{"configz", "proxy"}));
  EXPECT_EQ(request_subresources("/statusz"), (Names{"statusz", "proxy"}));
}

struct RequestAccessTest : testing::Test {
  RequestAccessTest() { options.node_name = "n1"; }
  ~RequestAccessTest() override {
    for (const std::string& object : judge.objects) EXPECT_EQ(object, "nodes/n1");
  }

  // "" for a call that goes through, else the answer.
  std::string ask(const std::string& method, const std::string& path,
                  const std::string& authorization = "",
                  std::shared_ptr<const crypto::Certificate> peer = nullptr) {
    if (!access) access.emplace(loop, api, options);
    auto refused = loop.run(access->refusal({method, path, authorization, std::move(peer)}));
    return refused ? std::to_string(refused->status) + " " + *refused->body : "";
  }
  std::shared_ptr<const crypto::Certificate> certificate(const std::string& name,
                                                         const Names& organizations) {
    crypto::PrivateKey key = *crypto::PrivateKey::generate();
    crypto::CertificateTemplate what;
    what.subject = {name, organizations};
    what.not_after = loop.wall() + kMicrosPerSecond;
    return std::make_shared<crypto::Certificate>(
        *crypto::sign_certificate(what, key, nullptr, key));
  }

  SimLoop loop;
  client::ReviewJudge judge;
  client::Client api{judge, "kubelet"};
  Options options;
  std::optional<RequestAccess> access;
};

TEST_F(RequestAccessTest, nobody_is_unauthorized) {
  EXPECT_EQ(ask("GET", "/metrics"), "401 Unauthorized");
  EXPECT_EQ(ask("GET", "/metrics", "Basic eDp5"), "401 Unauthorized");
  EXPECT_EQ(judge.asked, 0);
  EXPECT_EQ(ask("GET", "/metrics", "Bearer wrong"), "401 Unauthorized");
}

TEST_F(RequestAccessTest, a_token_may_what_its_user_may) {
  judge.tokens["t"] = "system:serviceaccount:m:scraper";
  judge.rights = {"system:serviceaccount:m:scraper get metrics"};
  EXPECT_EQ(ask("GET", "/metrics", "Bearer t"), "");
  EXPECT_EQ(judge.groups, (Names{"system:serviceaccounts", "system:authenticated"}));
  EXPECT_EQ(ask("GET", "/metrics/cadvisor", "bearer t"), "");
  EXPECT_EQ(ask("POST", "/exec/ns/p/c", "Bearer t"),
            "403 Forbidden (user=system:serviceaccount:m:scraper, verb=create, resource=nodes, "
            "subresource(s)=[proxy])\n");
  EXPECT_EQ(ask("GET", "/pods", "Bearer t"),
            "403 Forbidden (user=system:serviceaccount:m:scraper, verb=get, resource=nodes, "
            "subresource(s)=[pods proxy])\n");
}

TEST_F(RequestAccessTest, a_certificate_names_user_and_groups) {
  auto peer = certificate("api", {"system:masters", "b"});
  judge.rights = {"api get pods"};
  EXPECT_EQ(ask("GET", "/pods", "", peer), "");
  EXPECT_EQ(judge.groups, (Names{"system:masters", "b", "system:authenticated"}));
  EXPECT_EQ(ask("GET", "/stats/summary", "Bearer t", peer).substr(0, 28),
            "403 Forbidden (user=api, ver")
      << "the certificate counts before the token";
}

// The TLS layer looks at a certificate once, when the connection is made.
TEST_F(RequestAccessTest, a_certificate_that_is_over_is_nobodys) {
  options.anonymous_auth = true;
  judge.rights = {"api get pods", "t-user get pods", "system:anonymous get pods"};
  judge.tokens["t"] = "t-user";
  auto peer = certificate("api", {});
  EXPECT_EQ(ask("GET", "/pods", "", peer), "");
  loop.run_for(std::chrono::seconds(3));
  EXPECT_EQ(ask("GET", "/pods", "", peer), "401 Unauthorized");
  EXPECT_EQ(ask("GET", "/pods", "Bearer t", peer), "");
  EXPECT_EQ(ask("GET", "/pods"), "");
}

TEST_F(RequestAccessTest, proxy_is_enough_where_rights_are_fine) {
  judge.rights = {"api get proxy"};
  auto peer = certificate("api", {});
  for (const char* path :
       {"/pods", "/runningpods/", "/healthz", "/configz", "/containerLogs/a/b/c"}) {
    EXPECT_EQ(ask("GET", path, "", peer), "") << path;
  }
  for (const char* path : {"/stats/summary", "/metrics", "/logs/", "/checkpoint/a/b/c"}) {
    EXPECT_EQ(ask("GET", path, "", peer).substr(0, 13), "403 Forbidden") << path;
  }
}

TEST_F(RequestAccessTest, encoded_paths_are_judged_as_they_are_read) {
  judge.rights = {"api get metrics"};
  auto peer = certificate("api", {});
  EXPECT_EQ(ask("GET", "/%6detrics", "", peer), "");
  EXPECT_EQ(ask("GET", "/%65xec/a/b/c", "", peer).substr(0, 13), "403 Forbidden");
}

TEST_F(RequestAccessTest, anonymous_where_it_is_allowed) {
  options.anonymous_auth = true;
  judge.rights = {"system:anonymous get healthz"};
  EXPECT_EQ(ask("GET", "/healthz"), "");
  EXPECT_EQ(judge.groups, Names{"system:unauthenticated"});
  EXPECT_EQ(ask("GET", "/pods").substr(0, 36), "403 Forbidden (user=system:anonymous");
  EXPECT_EQ(ask("GET", "/healthz", "Bearer wrong"), "401 Unauthorized")
      << "a bad token is not nobody's";
}

TEST_F(RequestAccessTest, without_webhook_authentication_tokens_are_nobodys) {
  options.authentication_webhook = false;
  EXPECT_EQ(ask("GET", "/pods", "Bearer t"), "401 Unauthorized");
  EXPECT_EQ(judge.asked, 0);
}

TEST_F(RequestAccessTest, always_allow_still_wants_a_user) {
  options.authorization_always_allow = true;
  EXPECT_EQ(ask("GET", "/pods"), "401 Unauthorized");
  EXPECT_EQ(ask("POST", "/exec/a/b/c", "", certificate("api", {})), "");
  EXPECT_EQ(judge.asked, 0);
}

TEST_F(RequestAccessTest, verdicts_are_remembered_for_their_times) {
  judge.tokens["t"] = "a";
  judge.rights = {"a get metrics"};
  EXPECT_EQ(ask("GET", "/metrics", "Bearer t"), "");
  EXPECT_EQ(ask("GET", "/metrics", "Bearer t"), "");
  EXPECT_EQ(judge.asked, 2);
  loop.run_for(minutes(2));  // the token is over, the yes isn't
  EXPECT_EQ(ask("GET", "/metrics", "Bearer t"), "");
  EXPECT_EQ(judge.asked, 3);
  judge.rights.clear();
  loop.run_for(minutes(3));
  EXPECT_NE(ask("GET", "/metrics", "Bearer t"), "") << "a right that was taken ends after 5 min";
  int before = judge.asked;
  judge.rights = {"a get metrics"};
  loop.run_for(seconds(29));
  EXPECT_NE(ask("GET", "/metrics", "Bearer t"), "");
  EXPECT_EQ(judge.asked, before);
  loop.run_for(seconds(1));
  EXPECT_EQ(ask("GET", "/metrics", "Bearer t"), "");
}

TEST_F(RequestAccessTest, an_api_server_that_is_away_allows_nothing_new) {
  judge.tokens["t"] = "a";
  judge.rights = {"a get metrics", "a get stats"};
  EXPECT_EQ(ask("GET", "/metrics", "Bearer t"), "");
  judge.away = true;
  EXPECT_EQ(ask("GET", "/metrics", "Bearer t"), "") << "remembered";
  EXPECT_EQ(ask("GET", "/stats/summary", "Bearer t"),
            "500 Authorization error (user=a, verb=get, resource=nodes, subresource=stats)");
  EXPECT_EQ(ask("GET", "/metrics", "Bearer other"), "401 Unauthorized");
  judge.away = false;
  EXPECT_EQ(ask("GET", "/stats/summary", "Bearer t"), "") << "a failure is not remembered";
}

}  // namespace
}  // namespace tiphys::kubelet
