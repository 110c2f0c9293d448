#include "async/stop.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

TEST(Stop, DefaultTokenNeverStops) {
  StopToken token;
  int calls = 0;
  StopCallback callback = token.on_stop([&] { ++calls; });
  EXPECT_FALSE(token.stop_requested());
  EXPECT_EQ(calls, 0);
}

TEST(Stop, CallbacksRunOnceInOrder) {
  StopSource source;
  std::string order;
  StopCallback a = source.token().on_stop([&] { order += 'a'; });
  StopCallback b = source.token().on_stop([&] { order += 'b'; });
  source.request_stop();
  source.request_stop();
  EXPECT_EQ(order, "ab");
  StopCallback c = source.token().on_stop([&] { order += 'c'; });
  EXPECT_EQ(order, "abc");
}

TEST(Stop, UnregisteredCallbackDoesNotRun) {
  StopSource source;
  int calls = 0;
  {
    StopCallback scoped = source.token().on_stop([&] { ++calls; });
    StopCallback moved = std::move(scoped);
  }
  source.request_stop();
  EXPECT_EQ(calls, 0);
}

TEST(Stop, CallbackMayUnregisterTheNext) {
  StopSource source;
  int calls = 0;
  StopCallback second;
  StopCallback first = source.token().on_stop([&] { second.reset(); });
  second = source.token().on_stop([&] { ++calls; });
  source.request_stop();
  EXPECT_EQ(calls, 0);
}

TEST(Stop, CallbackMayDropSourceAndTokens) {
  auto source = std::make_unique<StopSource>();
  StopCallback callback = source->token().on_stop([&] { source.reset(); });
  source->request_stop();
  EXPECT_EQ(source, nullptr);
}

TEST(Stop, ChildFollowsParentButNotBack) {
  StopSource parent;
  StopSource child(parent.token());
  StopSource other(parent.token());
  other.request_stop();
  EXPECT_FALSE(parent.stop_requested());
  EXPECT_FALSE(child.stop_requested());
  parent.request_stop();
  EXPECT_TRUE(child.stop_requested());
}

TEST(Stop, CallbackOutlivesItsSource) {
  StopCallback callback;
  {
    StopSource source;
    callback = source.token().on_stop([] {});
  }
  callback.reset();
}

}  // namespace
}  // namespace tiphys
