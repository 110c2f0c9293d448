#include "kubelet/volumes/volume_calls.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <vector>

#include "async/epoll_loop.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What a call waits for that hangs; shared, since the call may outlive the test.
using Latch = std::shared_ptr<std::counting_semaphore<>>;
Latch make_latch() { return std::make_shared<std::counting_semaphore<>>(0); }

std::move_only_function<int()> hanging(Latch latch, int value) {
  return [latch, value] {
    latch->acquire();
    return value;
  };
}
std::move_only_function<int()> quick(int value) {
  return [value] { return value; };
}

struct Session {
  EpollLoop loop;
  std::unique_ptr<VolumeCalls> calls = std::make_unique<VolumeCalls>(loop, 2);
};

Task<void> drive(Session& session, Task<void> body) {
  co_await std::move(body);
  session.loop.stop();
}

void run(Session& session, Task<void> body) {
  session.loop.post([&] { spawn(drive(session, std::move(body))); });
  session.loop.run();
}

Task<void> one_hangs(Session& s) {
  Latch latch = make_latch();
  auto hung = co_await s.calls->run<int>("a", hanging(latch, 1), milliseconds(20), {});
  EXPECT_FALSE(hung);
  auto other = co_await s.calls->run<int>("b", quick(2), seconds(30), {});
  EXPECT_EQ(other, 2) << "another key has a thread of its own";
  auto again = co_await s.calls->run<int>("a", quick(3), milliseconds(20), {});
  EXPECT_FALSE(again) << "one call a key";
  EXPECT_EQ(s.calls->running(), 1u);
  latch->release();
  auto after = co_await s.calls->run<int>("a", quick(4), seconds(30), {});
  EXPECT_EQ(after, 4);
  EXPECT_EQ(s.calls->running(), 0u);
}

TEST(VolumeCalls, WhatHangsHoldsBackItselfOnly) {
  Session session;
  run(session, one_hangs(session));
}

Task<void> all_hang(Session& s, Latch latch) {
  for (const char* key : {"a", "b", "c"}) {
    auto hung = co_await s.calls->run<int>(key, hanging(latch, 1), milliseconds(20), {});
    EXPECT_FALSE(hung);
  }
  StopSource stop;
  stop.request_stop();
  auto stopped = co_await s.calls->run<int>("d", quick(1), seconds(30), stop.token());
  EXPECT_FALSE(stopped);
}

// A node whose every mount is dead still stops: nobody waits for the calls.
TEST(VolumeCalls, AnEndDoesNotWaitForWhatHangs) {
  Latch latch = make_latch();
  {
    Session session;
    run(session, all_hang(session, latch));
  }
  latch->release(10);  // they end when nothing of it is left
}

}  // namespace
}  // namespace tiphys::kubelet
