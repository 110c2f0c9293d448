#include "async/loop.h"

#include <gtest/gtest.h>

#include "async/channel.h"
#include "async/gate.h"
#include "async/sim_loop.h"

namespace tiphys {
namespace {

using std::chrono::seconds;

TEST(SimLoop, TimeJumpsToTimersInOrder) {
  SimLoop loop;
  std::string order;
  loop.call_after(seconds(2), [&] { order += 'c'; });
  loop.call_after(seconds(1), [&] { order += 'a'; });
  loop.call_after(seconds(1), [&] { order += 'b'; });
  auto cancelled = loop.call_after(seconds(1), [&] { order += 'x'; });
  loop.cancel(cancelled);
  MicroTime start = loop.wall();
  loop.run_for(seconds(1));
  EXPECT_EQ(order, "ab");
  loop.run_for(seconds(5));
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(loop.wall() - start, 6 * kMicrosPerSecond);
  EXPECT_EQ(loop.mono(), seconds(6));
}

TEST(SimLoop, WallJumpLeavesMonoAlone) {
  SimLoop loop;
  MicroTime start = loop.wall();
  loop.jump_wall(-seconds(100));
  EXPECT_EQ(loop.wall() - start, -100 * kMicrosPerSecond);
  EXPECT_EQ(loop.mono(), MonoTime(0));
}

TEST(SimLoop, RunUntilGivesUpWhenNothingIsLeft) {
  SimLoop loop;
  EXPECT_FALSE(loop.run_until([] { return false; }));
  loop.call_after(std::chrono::hours(3), [] {});
  EXPECT_FALSE(loop.run_until([] { return false; }, std::chrono::hours(1)));
}

TEST(Sleep, LastsAndStops) {
  SimLoop loop;
  EXPECT_TRUE(loop.run(sleep_for(loop, seconds(5))));
  EXPECT_EQ(loop.mono(), seconds(5));
  StopSource source;
  loop.call_after(seconds(1), [&] { source.request_stop(); });
  EXPECT_FALSE(loop.run(sleep_for(loop, seconds(50), source.token())));
  EXPECT_EQ(loop.mono(), seconds(6));
  EXPECT_FALSE(loop.run(sleep_for(loop, seconds(50), source.token())));
  EXPECT_EQ(loop.mono(), seconds(6));
}

Task<void> note(Loop& loop, std::string* log, char name) {
  *log += name;
  co_await yield(loop);
  *log += name;
}

TEST(Yield, LetsOthersRun) {
  SimLoop loop;
  std::string log;
  spawn(note(loop, &log, 'a'));
  spawn(note(loop, &log, 'b'));
  loop.run_ready();
  EXPECT_EQ(log, "abab");
}

Task<void> wait_and_note(Event* event, std::string* log, char name, StopToken stop) {
  bool set = co_await event->wait(stop);
  *log += set ? name : '-';
}

TEST(Event, WakesAllInOrderAndKeepsItsLevel) {
  SimLoop loop;
  Event event(loop);
  std::string log;
  for (char name : {'a', 'b', 'c'}) spawn(wait_and_note(&event, &log, name, {}));
  loop.run_ready();
  EXPECT_EQ(log, "");
  event.set();
  EXPECT_EQ(log, "") << "waiters resume through the loop";
  loop.run_ready();
  EXPECT_EQ(log, "abc");
  EXPECT_TRUE(loop.run(event.wait()));
  event.reset();
  EXPECT_FALSE(event.is_set());
}

TEST(Event, TimesOutAndStops) {
  SimLoop loop;
  Event event(loop);
  EXPECT_FALSE(loop.run(event.wait({}, seconds(3))));
  EXPECT_EQ(loop.mono(), seconds(3));
  StopSource source;
  loop.call_after(seconds(1), [&] { source.request_stop(); });
  EXPECT_FALSE(loop.run(event.wait(source.token(), seconds(9))));
  EXPECT_EQ(loop.mono(), seconds(4));
}

TEST(Event, SetAndStopTogetherResumeOnce) {
  SimLoop loop;
  Event event(loop);
  StopSource source;
  std::string log;
  spawn(wait_and_note(&event, &log, 'a', source.token()));
  event.set();
  source.request_stop();
  loop.run_ready();
  EXPECT_EQ(log, "a");
}

Task<void> sleeper(Loop& loop, int* done, Duration span) {
  co_await sleep_for(loop, span);
  ++*done;
}

TEST(Gate, CloseWaitsForAllAndRefusesNew) {
  SimLoop loop;
  Gate gate(loop);
  int done = 0;
  gate.spawn(sleeper(loop, &done, seconds(1)));
  gate.spawn(sleeper(loop, &done, seconds(3)));
  EXPECT_EQ(gate.size(), 2);
  loop.run(gate.close());
  EXPECT_EQ(done, 2);
  EXPECT_EQ(loop.mono(), seconds(3));
  gate.spawn(sleeper(loop, &done, seconds(1)));
  EXPECT_EQ(gate.size(), 0);
}

TEST(Gate, EmptyGateCloses) {
  SimLoop loop;
  Gate gate(loop);
  loop.run(gate.close());
}

Task<void> produce(Channel<int>* channel, int count) {
  for (int i = 0; i < count; ++i) {
    bool pushed = co_await channel->push(i);
    if (!pushed) co_return;
  }
  channel->close();
}
Task<int> consume(Channel<int>* channel) {
  int total = 0;
  while (true) {
    std::optional<int> value = co_await channel->pop();
    if (!value) co_return total;
    total += *value;
  }
}

TEST(Channel, BoundedAndDrainedAfterClose) {
  SimLoop loop;
  Channel<int> channel(loop, 2);
  EXPECT_TRUE(channel.try_push(0));
  EXPECT_TRUE(channel.try_push(0));
  EXPECT_FALSE(channel.try_push(0));
  spawn(produce(&channel, 10));
  EXPECT_EQ(loop.run(consume(&channel)), 45);
  EXPECT_FALSE(channel.try_push(1));
}

TEST(Channel, StopEndsAWait) {
  SimLoop loop;
  Channel<int> channel(loop, 1);
  StopSource source;
  loop.call_after(seconds(1), [&] { source.request_stop(); });
  EXPECT_EQ(loop.run(channel.pop(source.token())), std::nullopt);
}

}  // namespace
}  // namespace tiphys
