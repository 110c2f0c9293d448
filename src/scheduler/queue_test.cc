#include "scheduler/queue.h"

#include "scheduler/objects_test.h"

namespace tiphys::scheduler {
namespace {

using std::chrono::seconds;

PodPtr pod(const char* name, int priority = 0, const char* more = "") {
  return make_pod({.name = name, .spec = "\"priority\":" + std::to_string(priority) + more});
}
std::string name_of(const PodPtr& p) { return p ? std::string(p->name) : "none"; }

TEST(SchedulingQueue, HighestPriorityFirstThenFirstCome) {
  SchedulingQueue queue;
  queue.add(pod("a"), seconds(0));
  queue.add(pod("b", 10), seconds(1));
  queue.add(pod("c"), seconds(2));
  EXPECT_EQ(name_of(queue.pop(seconds(3))), "b");
  EXPECT_EQ(name_of(queue.pop(seconds(3))), "a");
  EXPECT_EQ(name_of(queue.pop(seconds(3))), "c");
  EXPECT_EQ(name_of(queue.pop(seconds(3))), "none");
}

TEST(SchedulingQueue, BackOffDoublesUpToTenSeconds) {
  SchedulingQueue queue;
  MonoTime now = seconds(100);
  queue.add(pod("a"), now);
  for (int expected : {1, 2, 4, 8, 10, 10}) {
    PodPtr p = queue.pop(now);
    ASSERT_TRUE(p);
    queue.add_after_back_off(p, now);
    EXPECT_EQ(*queue.next_due() - now, seconds(expected));
    EXPECT_FALSE(queue.pop(now + seconds(expected) - std::chrono::milliseconds(1)));
    now += seconds(expected);
  }
}

TEST(SchedulingQueue, UnschedulableWaitsForHelpOrFiveMinutes) {
  SchedulingQueue queue;
  queue.add(pod("a"), seconds(0));
  queue.add_unschedulable(queue.pop(seconds(0)), true, seconds(0));
  queue.wake(seconds(20), [](const PodInfo&, bool) { return false; });
  EXPECT_FALSE(queue.pop(seconds(20)));
  queue.wake(seconds(20), [](const PodInfo&, bool node_local) { return node_local; });
  PodPtr p = queue.pop(seconds(20));
  ASSERT_TRUE(p);
  queue.add_unschedulable(p, true, seconds(20));
  queue.wake(seconds(20), [](const PodInfo&, bool) { return true; });
  EXPECT_FALSE(queue.pop(seconds(20))) << "back-off comes first";
  EXPECT_TRUE(queue.pop(seconds(22)));
  queue.add_unschedulable(p, true, seconds(22));
  EXPECT_FALSE(queue.pop(seconds(321)));
  EXPECT_TRUE(queue.pop(seconds(322)));
}

TEST(SchedulingQueue, GatedPodsWaitForAChange) {
  SchedulingQueue queue;
  queue.add(pod("a", 0, R"(,"schedulingGates":[{"name":"x"}])"), seconds(0));
  EXPECT_FALSE(queue.pop(seconds(1000)));
  queue.add(pod("a"), seconds(1000));
  EXPECT_TRUE(queue.pop(seconds(1000)));
}

TEST(SchedulingQueue, ForgottenWhileBeingWorkedOnStaysAway) {
  SchedulingQueue queue;
  queue.add(pod("a"), seconds(0));
  PodPtr p = queue.pop(seconds(0));
  queue.forget(p->uid);
  queue.add_unschedulable(p, true, seconds(0));
  queue.add_after_back_off(p, seconds(0));
  EXPECT_EQ(queue.size(), 0u);
}

TEST(SchedulingQueue, ChangedWhileBeingWorkedOnIsTriedAgain) {
  SchedulingQueue queue;
  queue.add(pod("a"), seconds(0));
  PodPtr p = queue.pop(seconds(0));
  queue.add(pod("a", 5), seconds(0));
  queue.add_unschedulable(p, true, seconds(0));
  PodPtr again = queue.pop(seconds(1));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->priority, 5);
}

}  // namespace
}  // namespace tiphys::scheduler
