#include "kubelet/volumes/token_cache.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "kinds/authentication_v1.h"
#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// Issues a token a request: "1", "2" ... for as long as it was asked for.
struct Issuer final : client::Transport {
  explicit Issuer(Loop& l) : loop(l) {}
  Task<Result<client::Response>> send(client::Request request) override {
    if (away) co_return ApiStatus(503, "ServiceUnavailable", "away");
    Draft draft(*request.object);
    authentication_v1::TokenRequestEdit edit(draft);
    asked.push_back(request.path + " " + std::string(edit.view().spec().bound_object_ref().uid()) +
                    " " + std::to_string(edit.view().spec().expiration_seconds()));
    edit.edit_status().set_token(std::to_string(asked.size()));
    edit.edit_status().set_expiration_timestamp(
        loop.wall() + edit.view().spec().expiration_seconds() * kMicrosPerSecond);
    client::Response response;
    response.object = draft.freeze();
    co_return response;
  }
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request) override {
    co_return ApiStatus::internal("no watch");
  }
  Loop& loop;
  bool away = false;
  std::vector<std::string> asked;
};

struct TokenCacheTest : testing::Test {
  std::string get() {
    std::string out;
    Tokens tokens = loop.run(cache.get(pod));
    for (const auto& [key, token] : tokens) {
      out += key.audience + "=" + (token ? *token : token.error().message()) + " ";
    }
    return out;
  }
  ObjectPtr pod = pod_of(
      "{\"serviceAccountName\":\"robot\",\"containers\":[{\"name\":\"a\",\"volumeMounts\":["
      "{\"name\":\"v\",\"mountPath\":\"/"
      "v\"}]}],\"volumes\":[{\"name\":\"v\",\"projected\":{\"sources\":["
      "{\"serviceAccountToken\":{\"path\":\"t\",\"expirationSeconds\":1000}},"
      "{\"serviceAccountToken\":{\"path\":\"u\",\"audience\":\"x\",\"expirationSeconds\":864000}},"
      "{\"serviceAccountToken\":{\"path\":\"w\",\"audience\":\"x\",\"expirationSeconds\":864000}}]"
      "}}]}");
  SimLoop loop;
  SeededRandom random{1};
  Issuer issuer{loop};
  client::Client client{issuer, "kubelet"};
  TokenCache cache{loop, client, random};
};

TEST_F(TokenCacheTest, ATokenIsRenewedAtFourFifthsOfItsTimeOrAfterADay) {
  EXPECT_EQ(get(), "=1 x=2 ");
  std::string path = "/api/v1/namespaces/default/serviceaccounts/robot/token u ";
  EXPECT_EQ(issuer.asked, (std::vector<std::string>{path + "1000", path + "864000"}));
  loop.run_for(seconds(789));
  EXPECT_EQ(get(), "=1 x=2 ");
  loop.run_for(seconds(12));
  EXPECT_EQ(get(), "=3 x=2 ");
  loop.run_for(hours(24));
  EXPECT_EQ(get(), "=4 x=5 ");
}

TEST_F(TokenCacheTest, AnOldTokenServesWhileItIsValid) {
  EXPECT_EQ(get(), "=1 x=2 ");
  issuer.away = true;
  loop.run_for(seconds(999));
  EXPECT_EQ(get(), "=1 x=2 ");
  loop.run_for(seconds(1));
  EXPECT_EQ(get(), "=failed to fetch token: away x=2 ");
  issuer.away = false;
  EXPECT_EQ(get(), "=3 x=2 ");
}

}  // namespace
}  // namespace tiphys::kubelet
