// The canary of the compiler: coroutine shapes that g++ 12 miscompiles (double frees of temporaries
// inside co_await expressions, endless stacks), each of which must stay right under ASan.
#include "async/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "async/sim_loop.h"

namespace tiphys {
namespace {

struct Tracked {
  std::shared_ptr<int> alive;
  std::string text;
};

Task<int> ready(int value) { co_return value; }
Task<bool> truth(bool value, std::string* log) {
  *log += value ? 'T' : 'F';
  co_return value;
}
Task<size_t> take_aggregate(Tracked tracked) { co_return tracked.text.size(); }
Task<int> call(std::function<int()> fn) { co_return fn(); }
Task<int> call_task(std::function<Task<int>()> fn) {
  int value = co_await fn();
  co_return value;
}
Task<int> sum(std::vector<int> values) {
  int total = 0;
  for (int value : values) total += value;
  co_return total;
}

TEST(CoroutineCanary, AggregateTemporaryInAwaitIsFreedOnce) {
  SimLoop loop;
  auto alive = std::make_shared<int>(1);
  auto task = [](std::shared_ptr<int> held) -> Task<size_t> {
    size_t size = co_await take_aggregate(Tracked{held, std::string(100, 'x')});
    co_return size;
  };
  EXPECT_EQ(loop.run(task(alive)), 100u);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(CoroutineCanary, CapturingLambdaTemporaryInAwaitIsFreedOnce) {
  SimLoop loop;
  auto alive = std::make_shared<int>(7);
  auto task = [](std::shared_ptr<int> held) -> Task<int> {
    int value = co_await call([held] { return *held; });
    co_return value;
  };
  EXPECT_EQ(loop.run(task(alive)), 7);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(CoroutineCanary, CapturingLambdaThatMakesATask) {
  SimLoop loop;
  auto alive = std::make_shared<int>(9);
  auto task = [](std::shared_ptr<int> held) -> Task<int> {
    int value = co_await call_task([held] { return ready(*held); });
    co_return value;
  };
  EXPECT_EQ(loop.run(task(alive)), 9);
  EXPECT_EQ(alive.use_count(), 1);
}

Task<bool> both(std::string* log, bool a, bool b) {
  co_return co_await truth(a, log) && co_await truth(b, log);
}

TEST(CoroutineCanary, TwoAwaitsInOneCondition) {
  SimLoop loop;
  std::string log;
  EXPECT_TRUE(loop.run(both(&log, true, true)));
  EXPECT_FALSE(loop.run(both(&log, false, true)));
  EXPECT_FALSE(loop.run(both(&log, true, false)));
  EXPECT_EQ(log, "TTFTF");
}

Task<int> braced() {
  int total = co_await sum({1, 2, 3});
  std::vector<std::string> names{"a", std::string(64, 'b')};
  total += static_cast<int>(names[1].size());
  co_return total;
}

TEST(CoroutineCanary, BracedLists) {
  SimLoop loop;
  EXPECT_EQ(loop.run(braced()), 70);
}

Task<int64_t> long_loop(int rounds) {
  int64_t total = 0;
  for (int i = 0; i < rounds; ++i) {
    int value = co_await ready(i);
    total += value;
  }
  co_return total;
}

TEST(CoroutineCanary, SynchronousLoopKeepsTheStackFlat) {
  SimLoop loop;
  EXPECT_EQ(loop.run(long_loop(1'000'000)), 499'999'500'000);
}

Task<int> deep(int depth) {
  if (depth == 0) co_return 0;
  int below = co_await deep(depth - 1);
  co_return below + 1;
}

TEST(CoroutineCanary, DeepChainsReturnWithoutNesting) {
  SimLoop loop;
  EXPECT_EQ(loop.run(deep(50'000)), 50'000);
}

Task<std::unique_ptr<Tracked>> make_tracked() {
  co_return std::make_unique<Tracked>(Tracked{nullptr, "abc"});
}
Task<std::string> conditional(bool flag) {
  std::unique_ptr<Tracked> made = flag ? co_await make_tracked() : nullptr;
  co_return made ? made->text : "none";
}

TEST(CoroutineCanary, AwaitInConditionalExpression) {
  SimLoop loop;
  EXPECT_EQ(loop.run(conditional(true)), "abc");
  EXPECT_EQ(loop.run(conditional(false)), "none");
}

TEST(Task, UnawaitedTaskIsFreed) {
  auto alive = std::make_shared<int>(1);
  {
    auto fn = [](std::shared_ptr<int> held) -> Task<int> { co_return *held; };
    Task<int> never = fn(alive);
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace tiphys
