// Work queues: fair, stingy, delayed and rate-limited, as client-go's.
#include "client/work_queue.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"

namespace tiphys::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(WorkQueue, a_key_is_there_once_and_comes_again_when_added_meanwhile) {
  SimLoop loop;
  WorkQueue queue(loop);
  queue.add("a");
  queue.add("b");
  queue.add("a");
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(loop.run(queue.get()), "a");
  queue.add("a");
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(loop.run(queue.get()), "b");
  queue.done("a");
  EXPECT_EQ(loop.run(queue.get()), "a");
  queue.done("a");
  queue.done("b");
  EXPECT_TRUE(queue.idle());
  queue.shut_down();
  EXPECT_EQ(loop.run(queue.get()), std::nullopt);
}

TEST(WorkQueue, the_earliest_delay_wins) {
  SimLoop loop;
  WorkQueue queue(loop);
  queue.add_after("a", seconds(10));
  queue.add_after("a", seconds(5));
  queue.add_after("a", seconds(20));
  loop.run_for(seconds(4));
  EXPECT_EQ(queue.size(), 0u);
  loop.run_for(seconds(1));
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(loop.run(queue.get()), "a");
  queue.done("a");
  loop.run_for(seconds(60));
  EXPECT_TRUE(queue.idle());
}

TEST(WorkQueue, failures_double_the_delay_up_to_the_limit) {
  SimLoop loop;
  WorkQueue queue(loop, {milliseconds(5), seconds(1000)});
  MonoTime start = loop.mono();
  for (int i = 0; i < 60; ++i) {
    queue.add_rate_limited("a");
    EXPECT_EQ(loop.run(queue.get()), "a");
    queue.done("a");
    if (i == 3) EXPECT_EQ(loop.mono() - start, milliseconds(5 + 10 + 20 + 40));
  }
  start = loop.mono();
  queue.add_rate_limited("a");
  EXPECT_EQ(loop.run(queue.get()), "a");
  EXPECT_EQ(loop.mono() - start, seconds(1000));
  EXPECT_EQ(queue.failures("a"), 61);
  queue.forget("a");
  EXPECT_EQ(queue.failures("a"), 0);
}

}  // namespace
}  // namespace tiphys::client
