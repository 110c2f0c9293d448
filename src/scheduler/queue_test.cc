#include "scheduler/queue.h"

#include "scheduler/objects_test.h"

namespace tiphys::scheduler {
namespace {

using std::chrono::seconds;

PodPtr pod(const char* name, int priority = 0, const char* more = "") {
  return make_pod({.name = name, .spec = "\"priority\":" + std::to_string(priority) + more});
}
std::string name_of(const PodPtr& p) { return p ? std::string(p->name) : "none"; }

using Plugins = std::vector<std::string_view>;
bool never(const PodInfo&, const Plugins&) { return false; }
bool always(const PodInfo&, const Plugins&) { return true; }

// What comes out of the queue now, each tried in vain.
std::string tried(SchedulingQueue& queue, MonoTime now) {
  std::string names;
  while (PodPtr p = queue.pop(now)) {
    names.append(names.empty() ? "" : " ").append(p->name);
    queue.add_unschedulable(p, {"k", {"NodeName"}}, now);
  }
  return names;
}

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
  queue.add_unschedulable(queue.pop(seconds(0)), {"k", {"NodeName"}}, seconds(0));
  queue.wake(seconds(20), never);
  EXPECT_FALSE(queue.pop(seconds(20)));
  queue.wake(seconds(20), always);
  PodPtr p = queue.pop(seconds(20));
  ASSERT_TRUE(p);
  queue.add_unschedulable(p, {"k", {"NodeName"}}, seconds(20));
  queue.wake(seconds(20), always);
  EXPECT_FALSE(queue.pop(seconds(20))) << "back-off comes first";
  EXPECT_TRUE(queue.pop(seconds(22)));
  queue.add_unschedulable(p, {"k", {"NodeName"}}, seconds(22));
  EXPECT_FALSE(queue.pop(seconds(321)));
  EXPECT_TRUE(queue.pop(seconds(322)));
}

TEST(SchedulingQueue, OneOfAKindTriesForAll) {
  SchedulingQueue queue;
  for (const char* name : {"a", "b", "c"}) queue.add(pod(name), seconds(0));
  EXPECT_EQ(tried(queue, seconds(0)), "a b c");
  EXPECT_EQ(queue.kinds(), 1u);
  queue.wake(seconds(20), always);
  EXPECT_EQ(tried(queue, seconds(20)), "a") << "the others would fail as well";
  queue.wake(seconds(21), always);
  EXPECT_EQ(tried(queue, seconds(21)), "b") << "a is backing off";
  queue.wake(seconds(40), always);
  PodPtr p = queue.pop(seconds(40));
  ASSERT_TRUE(p);
  queue.placed(p->uid, seconds(40));
  EXPECT_EQ(tried(queue, seconds(40)), "b") << "where one found room another may";
  queue.done(p->uid, seconds(40));
  EXPECT_EQ(queue.unschedulable(), 2u);
  // A change while one is on its way.
  queue.wake(seconds(60), always);
  p = queue.pop(seconds(60));
  queue.wake(seconds(60), always);
  queue.add_unschedulable(p, {"k", {"NodeName"}}, seconds(60));
  EXPECT_EQ(tried(queue, seconds(60)), "c");
  // One that goes away passes its turn on.
  queue.wake(seconds(80), always);
  p = queue.pop(seconds(80));
  queue.forget(p->uid, seconds(80));
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_TRUE(queue.pop(seconds(80)));
}

TEST(SchedulingQueue, OneThatNoLongerStandsForItsLineDoesntHoldItUp) {
  SchedulingQueue queue;
  for (const char* name : {"a", "b"}) queue.add(pod(name), seconds(0));
  EXPECT_EQ(tried(queue, seconds(0)), "a b");
  queue.wake(seconds(20), always);
  PodPtr a = queue.pop(seconds(20));
  queue.wake(seconds(20), always);  // while it is being worked on
  queue.add_unschedulable(a, {"nominated", {"NodeName"}}, seconds(20));
  EXPECT_EQ(tried(queue, seconds(20)), "b") << "what helped a may help b";
  queue.wake(seconds(40), always);
  EXPECT_EQ(tried(queue, seconds(40)), "a b") << "each in its own line";
}

TEST(SchedulingQueue, AChangeWhileItIsBeingWorkedOnIsNotLost) {
  SchedulingQueue queue;
  queue.add(pod("a"), seconds(0));
  PodPtr a = queue.pop(seconds(0));
  queue.wake(seconds(0), always);
  queue.add_unschedulable(a, {"k", {"NodeName"}}, seconds(0));
  EXPECT_EQ(tried(queue, seconds(1)), "a");
  EXPECT_EQ(tried(queue, seconds(100)), "") << "and nothing came since";
}

// Whatever happens in whatever order: nobody is lost, a line always has somebody on the way when
// help came, and everybody is tried again in the end.
class QueueHistory : public testing::TestWithParam<uint64_t> {};
TEST_P(QueueHistory, LosesNobody) {
  SeededRandom random(GetParam());
  SchedulingQueue queue;
  std::map<std::string, PodPtr> known, popped;
  MonoTime now = seconds(0);
  auto any = [&](auto& map) {
    return std::next(map.begin(), static_cast<long>(random.below(map.size())));
  };
  for (int step = 0; step < 2000; ++step) {
    now += std::chrono::milliseconds(random.below(3000));
    switch (random.below(8)) {
      case 0:
      case 1: {
        PodPtr p = pod(("p" + std::to_string(random.below(30))).c_str(), 0,
                       random.below(9) == 0 ? R"(,"schedulingGates":[{"name":"x"}])" : "");
        known[p->uid] = p;
        queue.add(p, now);
        break;
      }
      case 2:
        if (known.empty()) break;
        if (auto at = any(known); true) {
          queue.forget(at->first, now);
          popped.erase(at->first);
          known.erase(at);
        }
        break;
      case 3:
        queue.wake(now, random.below(2) == 0 ? always : never);
        break;
      case 4:
        if (popped.empty()) break;
        if (auto at = any(popped); true) {
          queue.placed(at->first, now);
          if (random.below(2) == 0) {
            queue.add_after_back_off(at->second, now);
          } else {
            queue.done(at->first, now);
            known.erase(at->first);
          }
          popped.erase(at);
        }
        break;
      case 5:
        if (popped.empty()) break;
        if (auto at = any(popped); true) {
          std::string kind = std::to_string(random.below(3));
          queue.add_unschedulable(at->second, {kind, {"NodeName"}}, now);
          popped.erase(at);
        }
        break;
      default:
        if (PodPtr p = queue.pop(now)) popped[p->uid] = p;
    }
    ASSERT_EQ(queue.size(), known.size());
  }
  for (auto& [uid, p] : popped) queue.add_unschedulable(p, {"k", {"NodeName"}}, now);
  std::set<std::string> seen;
  for (const auto& [uid, p] : known) {
    if (p->gated) seen.insert(uid);
  }
  for (int round = 0; round < 200 && seen.size() < known.size(); ++round) {
    now += std::chrono::minutes(6);
    while (PodPtr p = queue.pop(now)) {
      seen.insert(p->uid);
      queue.placed(p->uid, now);
      queue.done(p->uid, now);
    }
  }
  EXPECT_EQ(seen.size(), known.size());
}
INSTANTIATE_TEST_SUITE_P(Seeds, QueueHistory, testing::Range<uint64_t>(1, 41));

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
  queue.forget(p->uid, seconds(0));
  queue.add_unschedulable(p, {"k", {"NodeName"}}, seconds(0));
  queue.add_after_back_off(p, seconds(0));
  EXPECT_EQ(queue.size(), 0u);
}

TEST(SchedulingQueue, ChangedWhileBeingWorkedOnIsTriedAgain) {
  SchedulingQueue queue;
  queue.add(pod("a"), seconds(0));
  PodPtr p = queue.pop(seconds(0));
  queue.add(pod("a", 5), seconds(0));
  queue.add_unschedulable(p, {"k", {"NodeName"}}, seconds(0));
  PodPtr again = queue.pop(seconds(1));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->priority, 5);
}

}  // namespace
}  // namespace tiphys::scheduler
