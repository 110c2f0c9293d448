#include "kubelet/hollow/hollow_pod.h"

#include <gtest/gtest.h>

#include "kinds/pods.h"
#include "kubelet/hollow/hollow_node.h"
#include "kubelet/hollow/pod_addresses.h"
#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::seconds;

constexpr MicroTime kStart = 1'700'000'000 * kMicrosPerSecond;

struct World {
  ObjectPtr object;
  HollowPod model;
  MicroTime now = kStart;

  explicit World(const std::string& spec, const std::string& metadata = "",
                 const std::string& status = "{}")
      : object(object_of(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"d")"
                         R"(,"uid":"u")" +
                         metadata + R"(},"spec":)" + spec + R"(,"status":)" + status + "}")),
        model(core_v1::Pod(*object)) {
    model.set_ips({"10.1.0.5"});
  }
  std::optional<Duration> advance(Duration passed = Duration::zero()) {
    now += passed / std::chrono::microseconds(1);
    auto next = model.advance(core_v1::Pod(*object), annotated_run, now);
    object = model.with_status(*object, "198.18.0.1", false, now);
    return next;
  }
  core_v1::PodStatus status() const { return core_v1::Pod(*object).status(); }
  bool ready() const { return kinds::is_ready(core_v1::Pod(*object)); }
};

constexpr const char* kOne =
    R"({"restartPolicy":"Always","containers":[{"name":"a","image":"x"}]})";

TEST(HollowPod, RunsForEver) {
  World w(kOne);
  EXPECT_EQ(w.advance(), std::nullopt);
  EXPECT_EQ(w.status().phase(), "Running");
  EXPECT_TRUE(w.ready());
  EXPECT_EQ(w.status().pod_ip(), "10.1.0.5");
  EXPECT_EQ(w.status().host_ip(), "198.18.0.1");
  EXPECT_EQ(w.status().start_time(), kStart);
  core_v1::ContainerStatus c = w.status().container_statuses()[0];
  EXPECT_EQ(c.state().running().started_at(), kStart);
  EXPECT_TRUE(c.ready());
  EXPECT_EQ(c.container_id(), "containerd://u-a-0");
  ObjectPtr before = w.object;
  EXPECT_EQ(w.advance(std::chrono::hours(1000)), std::nullopt);
  EXPECT_TRUE(equal(core_v1::Pod(*before).status(), w.status())) << "at rest nothing changes";
}

TEST(HollowPod, InitContainersAreDoneAndSidecarsRun) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a","image":"x"}],"initContainers":[
      {"name":"i","image":"x"},{"name":"s","image":"x","restartPolicy":"Always"}]})");
  w.advance();
  EXPECT_EQ(w.status().phase(), "Running");
  EXPECT_TRUE(w.ready());
  EXPECT_EQ(w.status().init_container_statuses()[0].state().terminated().reason(), "Completed");
  EXPECT_TRUE(w.status().init_container_statuses()[1].state().has_running());
}

TEST(HollowPod, AnnotatedJobsEnd) {
  World w(
      R"({"restartPolicy":"Never","containers":[{"name":"a","image":"x"}]})",
      R"(,"annotations":{"tiphys.dev/hollow-runs-for":"30s","tiphys.dev/hollow-exit-code":"3"})");
  EXPECT_EQ(w.advance(), seconds(30));
  EXPECT_EQ(w.status().phase(), "Running");
  EXPECT_EQ(w.advance(seconds(10)), seconds(20));
  EXPECT_EQ(w.advance(seconds(20)), std::nullopt);
  EXPECT_EQ(w.status().phase(), "Failed");
  EXPECT_EQ(w.status().container_statuses()[0].state().terminated().exit_code(), 3);
}

TEST(HollowPod, RestartsWithBackOff) {
  World w(kOne, R"(,"annotations":{"tiphys.dev/hollow-runs-for":"1s"})");
  EXPECT_EQ(w.advance(), seconds(1));
  EXPECT_EQ(w.advance(seconds(1)), seconds(10));
  EXPECT_EQ(w.status().phase(), "Running");
  EXPECT_FALSE(w.ready());
  core_v1::ContainerStatus c = w.status().container_statuses()[0];
  EXPECT_EQ(c.state().waiting().reason(), "CrashLoopBackOff");
  EXPECT_EQ(c.state().waiting().message(), "back-off 10s restarting failed container=a pod=p_d(u)");
  EXPECT_EQ(w.advance(seconds(10)), seconds(1));
  c = w.status().container_statuses()[0];
  EXPECT_EQ(c.restart_count(), 1);
  EXPECT_EQ(c.last_state().terminated().finished_at(), kStart + kMicrosPerSecond);
  EXPECT_TRUE(w.ready());
}

TEST(HollowPod, AnotherImageThatIsMissingStopsIt) {
  World w(kOne);
  w.advance();
  core_v1::Pod pod(*w.object);
  auto missing = [](core_v1::Pod, core_v1::Container, bool) {
    return HollowRun{.image_missing = true};
  };
  w.model.advance(pod, missing, w.now);
  w.object = w.model.with_status(*w.object, "198.18.0.1", false, w.now);
  EXPECT_FALSE(w.ready());
  core_v1::ContainerState state = w.status().container_statuses()[0].state();
  EXPECT_EQ(state.waiting().reason(), "ErrImageNeverPull");
  w.advance(seconds(1));
  EXPECT_TRUE(w.ready());
  EXPECT_EQ(w.status().container_statuses()[0].restart_count(), 1);
}

TEST(HollowPod, AnotherProcessGoesOn) {
  World w(kOne);
  w.advance();
  World next(kOne);
  next.object = w.object;
  next.model = HollowPod(core_v1::Pod(*w.object));
  next.model.set_ips({"10.1.0.5"});
  next.advance(std::chrono::hours(1));
  EXPECT_TRUE(equal(w.status(), next.status()));
}

TEST(HollowPod, EndsWithinItsGracePeriod) {
  World w(kOne, R"(,"deletionTimestamp":"2023-11-14T22:13:50Z","deletionGracePeriodSeconds":30)");
  w.advance();
  core_v1::Pod pod(*w.object);
  EXPECT_EQ(w.model.end(pod, std::chrono::minutes(5), w.now), seconds(30));
  EXPECT_EQ(w.model.end(pod, std::chrono::minutes(5), w.now + 30 * kMicrosPerSecond), std::nullopt);
  ObjectPtr over = w.model.with_status(*w.object, "198.18.0.1", true, w.now);
  core_v1::PodStatus status = core_v1::Pod(*over).status();
  EXPECT_EQ(status.phase(), "Failed");
  EXPECT_EQ(status.container_statuses()[0].state().terminated().exit_code(), 137);
  EXPECT_FALSE(kinds::is_ready(core_v1::Pod(*over)));
}

TEST(HollowPod, GarbageIsBorne) {
  World odd(
      R"({"restartPolicy":"x","containers":[{"name":"a"},{"name":"a"},{}]})",
      R"(,"annotations":{"tiphys.dev/hollow-runs-for":"2540400h",)"
      R"("tiphys.dev/hollow-exit-code":"-"})",
      R"({"phase":"Odd","podIPs":[{"ip":"x"}],"containerStatuses":[{"name":"a","restartCount":-5,
               "state":{"running":{}}},{"name":"zz","state":{"terminated":{"exitCode":-1}}}]})");
  odd.advance();
  odd.advance(std::chrono::hours(2));
  World negative(kOne, R"(,"annotations":{"tiphys.dev/hollow-runs-for":"-5s"})");
  EXPECT_EQ(negative.advance(), seconds(10));
  World none(R"({})");
  none.advance();
  EXPECT_EQ(none.model.end(core_v1::Pod(*none.object), seconds(1), none.now), std::nullopt);
}

TEST(PodAddresses, EachOnce) {
  auto range = PodAddresses::create("10.42.3.0/29");
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->keep("10.42.3.2"));
  EXPECT_FALSE(range->keep("10.42.3.2"));
  EXPECT_FALSE(range->keep("10.42.4.2"));
  EXPECT_FALSE(range->keep("10.42.3.0"));
  std::set<std::string> seen;
  while (auto ip = range->take()) seen.insert(*ip);
  EXPECT_EQ(seen, (std::set<std::string>{"10.42.3.1", "10.42.3.3", "10.42.3.4", "10.42.3.5",
                                         "10.42.3.6"}));
  range->give_back("10.42.3.4");
  range->give_back("10.42.9.4");
  EXPECT_EQ(range->take(), "10.42.3.4");
}

TEST(PodAddresses, RangesOfBothFamilies) {
  EXPECT_EQ(PodAddresses::create("fd00:1::/64")->take(), "fd00:1::1");
  EXPECT_EQ(PodAddresses::create("10.0.0.77/24")->take(), "10.0.0.1");
  EXPECT_EQ(PodAddresses::create("0.0.0.0/0")->take(), "0.0.0.1");
  EXPECT_TRUE(PodAddresses::create("10.0.0.0/30"));
  for (const char* bad : {"", "/", "10.0.0.0", "10.0.0.0/31", "10.0.0.0/33", "10.0.0.0/-1", "x/24",
                          "fd00::/127", "10.0.0/24"}) {
    EXPECT_FALSE(PodAddresses::create(bad)) << bad;
  }
}

TEST(HollowNode, RenewalsAreSpreadEvenly) {
  std::map<int64_t, int> by_second;
  for (size_t i = 0; i < 5000; ++i) ++by_second[spread(i, seconds(10)) / seconds(1)];
  ASSERT_EQ(by_second.size(), 10U);
  for (auto& [second, count] : by_second) EXPECT_NEAR(count, 500, 5) << second;
  std::set<std::string> addresses;
  for (size_t i = 0; i < kMaxHollowNodes; ++i) addresses.insert(hollow_address(i));
  EXPECT_EQ(addresses.size(), kMaxHollowNodes);
  EXPECT_EQ(*addresses.begin(), "198.18.0.1");
}

}  // namespace
}  // namespace tiphys::kubelet
