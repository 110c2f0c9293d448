#include "kubelet/pods/startup.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::seconds;

constexpr MicroTime kMade = 1'600'000'000LL * kMicrosPerSecond;  // 2020-09-13T12:26:40Z

ObjectPtr pod(const std::string& status, const std::string& volumes = "[]") {
  return object_of(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default","uid":"u",)"
      R"("creationTimestamp":"2020-09-13T12:26:40Z"},"spec":{"volumes":)" +
      volumes + R"(,"containers":[{"name":"a"},{"name":"b"}]},"status":)" + status + "}");
}

const std::string kNew =
    R"({"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True"}]})";

std::string started(const std::string& a, const std::string& b,
                    const std::string& phase = "Running") {
  return R"({"phase":")" + phase +
         R"(","startTime":"2020-09-13T12:26:41Z","containerStatuses":[{"name":"a","state":)" + a +
         R"(},{"name":"b","state":)" + b + "}]}";
}
const std::string kRuns = R"({"running":{"startedAt":"2020-09-13T12:26:44Z"}})";
const std::string kWaits = R"({"waiting":{"reason":"ContainerCreating"}})";
const std::string kRunning = started(kRuns, kRuns);

MonoTime at(int second) { return MonoTime(seconds(second)); }

struct StartupTest : testing::Test {
  std::optional<Startup::Took> seen(Startup& startup, const ObjectPtr& object, int after) {
    return startup.seen(core_v1::Pod(*object), kMade + after * kMicrosPerSecond);
  }
  Startup fresh(const ObjectPtr& object = pod(kNew)) { return Startup(core_v1::Pod(*object)); }
};

TEST_F(StartupTest, EndsOnceWhenAllContainersAreSeenToRun) {
  Startup startup = fresh();
  EXPECT_FALSE(seen(startup, pod(kNew), 1));
  EXPECT_FALSE(seen(startup, pod(started(kRuns, kWaits)), 3));
  EXPECT_FALSE(seen(startup, pod(R"({"phase":"Running"})"), 3)) << "nothing is said of containers";
  auto took = seen(startup, pod(kRunning), 5);
  ASSERT_TRUE(took);
  EXPECT_EQ(took->total, seconds(5));
  EXPECT_EQ(took->sli, seconds(5));
  EXPECT_FALSE(seen(startup, pod(kRunning), 6));
}

TEST_F(StartupTest, PullsAndInitContainersAreLeftOut) {
  Startup startup = fresh();
  startup.pull_began(at(100));
  startup.pull_began(at(101));  // beside the first
  startup.pull_ended(at(103));
  startup.pull_ended(at(104));
  startup.init_ran(seconds(2));
  startup.init_ran(seconds(-1));  // a clock was set back
  startup.pull_began(at(110));
  startup.pull_ended(at(111));
  auto took = seen(startup, pod(kRunning), 10);
  ASSERT_TRUE(took);
  EXPECT_EQ(took->total, seconds(10));
  EXPECT_EQ(took->sli, seconds(3)) << "without 4 and 1 of pulls and 2 of init containers";
}

TEST_F(StartupTest, IsNeverNegative) {
  Startup startup = fresh();
  startup.init_ran(seconds(20));
  EXPECT_EQ(seen(startup, pod(kRunning), 10)->sli, seconds(0));
}

TEST_F(StartupTest, PodsOfAnotherLifeAreNotMeasured) {
  Startup startup = fresh(pod(R"({"phase":"Pending","startTime":"2020-09-13T12:26:41Z"})"));
  EXPECT_FALSE(seen(startup, pod(kRunning), 5));
}

TEST_F(StartupTest, PodsThatWaitedForRoomAreNotMeasured) {
  Startup startup = fresh();
  EXPECT_FALSE(seen(
      startup,
      pod(R"({"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False"}]})"), 1));
  EXPECT_FALSE(seen(startup, pod(kRunning), 5));
}

TEST_F(StartupTest, PodsThatEndedAreNotMeasured) {
  Startup startup = fresh();
  EXPECT_FALSE(seen(startup, pod(started(kRuns, kWaits, "Failed")), 3));
  EXPECT_FALSE(seen(startup, pod(kRunning), 5));
}

TEST_F(StartupTest, StatefulPodsHaveATotalOnly) {
  auto sli_of = [this](const std::string& volumes) {
    Startup startup = fresh();
    auto took = seen(startup, pod(kRunning, volumes), 5);
    EXPECT_TRUE(took);
    return took->sli;
  };
  EXPECT_TRUE(sli_of(R"([{"name":"a","secret":{}},{"name":"b","configMap":{}},)"
                     R"({"name":"c","downwardAPI":{}},{"name":"d","emptyDir":{}},)"
                     R"({"name":"e","projected":{}}])"));
  EXPECT_FALSE(sli_of(R"([{"name":"a","emptyDir":{}},{"name":"b","hostPath":{"path":"/"}}])"));
  EXPECT_FALSE(sli_of(R"([{"name":"a","persistentVolumeClaim":{"claimName":"c"}}])"));
}

}  // namespace
}  // namespace tiphys::kubelet
