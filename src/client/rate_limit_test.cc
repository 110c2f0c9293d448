// How many requests a component may send: a bucket of tokens, on a clock of its own.
#include "client/rate_limit.h"

#include <gtest/gtest.h>

#include "async/gate.h"
#include "async/sim_loop.h"
#include "client/client.h"
#include "tests/fake/fake_api.h"

namespace tiphys::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonoTime kStart = MonoTime{} + seconds(1000);

TEST(TokenBucket, a_burst_goes_at_once_and_then_one_by_one) {
  TokenBucket bucket({.qps = 20, .burst = 3}, kStart);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.take(kStart), Duration::zero()) << i;
  EXPECT_EQ(bucket.take(kStart), milliseconds(50));
  EXPECT_EQ(bucket.take(kStart), milliseconds(100)) << "behind the one before";
  EXPECT_EQ(bucket.take(kStart + milliseconds(100)), milliseconds(50));
}

TEST(TokenBucket, fills_up_to_the_burst) {
  TokenBucket bucket({.qps = 10, .burst = 2}, kStart);
  bucket.take(kStart);
  bucket.take(kStart);
  MonoTime later = kStart + std::chrono::hours(1);
  EXPECT_EQ(bucket.take(later), Duration::zero());
  EXPECT_EQ(bucket.take(later), Duration::zero());
  EXPECT_EQ(bucket.take(later), milliseconds(100)) << "an idle hour saves two, not 36000";
}

TEST(TokenBucket, what_is_given_back_goes_to_the_next) {
  TokenBucket bucket({.qps = 1, .burst = 1}, kStart);
  EXPECT_EQ(bucket.take(kStart), Duration::zero());
  EXPECT_EQ(bucket.take(kStart), seconds(1));
  bucket.give_back(kStart);
  EXPECT_EQ(bucket.take(kStart), seconds(1));
}

TEST(TokenBucket, a_clock_that_stands_or_goes_back_gives_nothing) {
  TokenBucket bucket({.qps = 1, .burst = 1}, kStart);
  bucket.take(kStart);
  EXPECT_EQ(bucket.take(kStart - seconds(10)), seconds(1));
}

TEST(TokenBucket, zero_is_client_gos_own_limit) {
  TokenBucket bucket({.qps = 0, .burst = 0}, kStart);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bucket.take(kStart), Duration::zero()) << i;
  EXPECT_EQ(bucket.take(kStart), milliseconds(200));
}

struct LimitedTest : testing::Test {
  const schema::Resource& pods = *schema::find_resource("", "v1", "pods");
  Task<void> ask(Client* client, int* answered) {
    (void)co_await client->list(pods, "default");
    ++*answered;
  }
  int answered_within(RateLimit limit, int requests, Duration time) {
    LimitedTransport limited(loop, api, limit);
    Client client(limited, "test");
    Gate gate(loop);
    int answered = 0;
    for (int i = 0; i < requests; ++i) gate.spawn(ask(&client, &answered));
    loop.run_for(time);
    int within = answered;
    loop.run(gate.close());
    EXPECT_EQ(answered, requests) << "all of them in the end";
    return within;
  }
  SimLoop loop;
  fake::FakeApi api{loop};
};

TEST_F(LimitedTest, requests_wait_for_their_turn) {
  EXPECT_EQ(answered_within({.qps = 20, .burst = 30}, 100, milliseconds(1010)), 50);
}

TEST_F(LimitedTest, a_negative_rate_is_no_limit) {
  EXPECT_EQ(answered_within({.qps = -1, .burst = 1}, 100, milliseconds(10)), 100);
}

TEST_F(LimitedTest, one_that_is_stopped_leaves_its_token) {
  LimitedTransport limited(loop, api, {.qps = 1, .burst = 1});
  Client client(limited, "test");
  (void)loop.run(client.list(pods, "default"));
  StopSource stop;
  Request request;
  request.method = "GET";
  request.path = "/api/v1/pods";
  request.stop = stop.token();
  Gate gate(loop);
  loop.call_after(milliseconds(500), [&stop] { stop.request_stop(); });
  auto answer = loop.run(limited.send(std::move(request)));
  EXPECT_FALSE(answer);
  MonoTime before = loop.mono();
  (void)loop.run(client.list(pods, "default"));
  EXPECT_EQ(loop.mono() - before, milliseconds(500));
  loop.run(gate.close());
}

TEST_F(LimitedTest, each_client_has_its_own) {
  Client plain(api, "test");
  LimitedClients clients(loop, {.qps = 1, .burst = 1});
  EXPECT_EQ(&clients.client_of("a", plain), &clients.client_of("a", plain));
  MonoTime before = loop.mono();
  (void)loop.run(clients.client_of("a", plain).list(pods, "default"));
  (void)loop.run(clients.client_of("b", plain).list(pods, "default"));
  EXPECT_EQ(loop.mono(), before);
  (void)loop.run(clients.client_of("a", plain).list(pods, "default"));
  EXPECT_EQ(loop.mono() - before, seconds(1));
  EXPECT_EQ(clients.client_of("a", plain).component(), "test");
}

TEST_F(LimitedTest, watches_are_not_counted) {
  LimitedTransport limited(loop, api, {.qps = 1, .burst = 1});
  Client client(limited, "test");
  MonoTime before = loop.mono();
  StopSource stop;
  for (int i = 0; i < 5; ++i) {
    auto stream = loop.run(client.watch(pods, "default", {}, stop.token()));
    EXPECT_TRUE(stream);
  }
  EXPECT_EQ(loop.mono(), before);
}

}  // namespace
}  // namespace tiphys::client
