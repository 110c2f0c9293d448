#include "async/epoll_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <thread>

#include "async/pool.h"
#include "os/files.h"

namespace tiphys {
namespace {

using std::chrono::milliseconds;

struct Pipe {
  Pipe() {
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) abort();
    in.reset(fds[0]);
    out.reset(fds[1]);
  }
  os::Fd in;
  os::Fd out;
};

TEST(EpollLoop, PostsInOrderAndStops) {
  EpollLoop loop;
  std::string order;
  loop.post([&] {
    order += 'a';
    loop.post([&] {
      order += 'c';
      loop.stop();
    });
  });
  loop.post([&] { order += 'b'; });
  EXPECT_TRUE(loop.in_loop());
  loop.run();
  EXPECT_EQ(order, "abc");
}

TEST(EpollLoop, StopLeavesTheRestForTheNextRun) {
  EpollLoop loop;
  int ran = 0;
  loop.post([&] { loop.stop(); });
  loop.post([&] {
    ++ran;
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(ran, 0);
  loop.run();
  EXPECT_EQ(ran, 1);
}

TEST(EpollLoop, PostFromOtherThreadWakes) {
  EpollLoop loop;
  bool in_loop = true;
  std::thread other([&] {
    in_loop = loop.in_loop();
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_FALSE(in_loop);
}

TEST(EpollLoop, TimersRunInTimeOrder) {
  EpollLoop loop;
  std::string order;
  MonoTime start = loop.mono();
  loop.call_after(milliseconds(20), [&] { loop.stop(); });
  loop.call_after(milliseconds(10), [&] { order += 'b'; });
  loop.call_after(milliseconds(1), [&] { order += 'a'; });
  loop.cancel(loop.call_after(milliseconds(2), [&] { order += 'x'; }));
  loop.run();
  EXPECT_EQ(order, "ab");
  EXPECT_GE(loop.mono() - start, milliseconds(20));
}

TEST(EpollLoop, WatchesDescriptors) {
  EpollLoop loop;
  Pipe pipe;
  std::string got;
  loop.watch(pipe.in.get(), [&](uint32_t events) {
    char buffer[16];
    ssize_t n = read(pipe.in.get(), buffer, sizeof buffer);
    if (n > 0) got.assign(buffer, n);
    if (!got.empty()) {
      loop.unwatch(pipe.in.get());  // from its own callback
      loop.stop();
    }
  });
  loop.post([&] { ASSERT_EQ(write(pipe.out.get(), "hi", 2), 2); });
  loop.run();
  EXPECT_EQ(got, "hi");
}

TEST(EpollLoop, UnwatchInsideABatchSilencesTheOther) {
  EpollLoop loop;
  Pipe a;
  Pipe b;
  int calls = 0;
  auto callback = [&](uint32_t) {
    ++calls;
    loop.unwatch(a.in.get());
    loop.unwatch(b.in.get());
    loop.post([&] { loop.stop(); });
  };
  ASSERT_EQ(write(a.out.get(), "x", 1), 1);
  ASSERT_EQ(write(b.out.get(), "x", 1), 1);
  loop.watch(a.in.get(), callback);
  loop.watch(b.in.get(), callback);
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(EpollLoop, ReusedDescriptorGetsOnlyItsOwnEvents) {
  EpollLoop loop;
  std::string log;
  for (int round = 0; round < 3; ++round) {
    Pipe pipe;
    loop.watch(pipe.in.get(), [&log, &loop, round](uint32_t) {
      log += static_cast<char>('0' + round);
      loop.stop();
    });
    ASSERT_EQ(write(pipe.out.get(), "x", 1), 1);
    loop.run();
    loop.unwatch(pipe.in.get());
  }
  EXPECT_EQ(log, "012");
}

Task<void> use_pool(EpollLoop& loop, WorkerPool& pool, std::thread::id* where, int* value) {
  *where = co_await run_blocking(loop, pool, [] { return std::this_thread::get_id(); });
  int result = co_await run_blocking(loop, pool, [] { return 42; });
  co_await run_blocking(loop, pool, [] {});
  EXPECT_TRUE(loop.in_loop());
  *value = result;
  loop.stop();
}

TEST(WorkerPool, RunsElsewhereAndResumesOnTheLoop) {
  EpollLoop loop;
  WorkerPool pool(2);
  std::thread::id where;
  int value = 0;
  spawn(use_pool(loop, pool, &where, &value));
  loop.run();
  EXPECT_NE(where, std::this_thread::get_id());
  EXPECT_EQ(value, 42);
}

TEST(WorkerPool, DestructionRunsWhatIsQueued) {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool(3);
    for (int i = 0; i < 1000; ++i) pool.submit([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1000);
}

}  // namespace
}  // namespace tiphys
