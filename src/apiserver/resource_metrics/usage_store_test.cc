#include "apiserver/resource_metrics/usage_store.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

constexpr MicroTime kStart = 1'700'000'000 * kMicrosPerSecond;
constexpr int64_t kSecond = 1'000'000'000;  // of CPU

UsagePoint point(MicroTime seconds, int64_t cpu_ns, int64_t memory = 1024, MicroTime started = 0) {
  return {.started = kStart + started * kMicrosPerSecond,
          .time = kStart + seconds * kMicrosPerSecond,
          .cpu_ns = cpu_ns,
          .memory_bytes = memory};
}

class UsageStoreTest : public testing::Test {
 protected:
  void store(const std::string& container, UsagePoint at) { store({{container, at}}); }
  void store(ContainerPoints containers) {
    NodePoints points;
    points.pods[{"default", "p"}] = std::move(containers);
    store_.store({{"n", std::move(points)}});
  }
  void store_node(UsagePoint at) { store_.store({{"n", {.node = at, .pods = {}}}}); }
  std::vector<ContainerUsage> pod() const { return store_.pod("n", {"default", "p"}); }

  UsageStore store_{std::chrono::seconds(15)};
};

TEST_F(UsageStoreTest, NodesNeedTwoPoints) {
  store_node(point(100, 50 * kSecond));
  EXPECT_FALSE(store_.node("n"));
  store_node(point(115, 80 * kSecond, 2048));
  std::optional<Usage> usage = store_.node("n");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->nano_cores, 2 * kSecond);
  EXPECT_EQ(usage->memory_bytes, 2048);
  EXPECT_EQ(usage->window, std::chrono::seconds(15));
  EXPECT_EQ(usage->time, kStart + 115 * kMicrosPerSecond);
  EXPECT_FALSE(store_.node("other"));
}

TEST_F(UsageStoreTest, ANodeThatWasMissedStartsAnew) {
  store_node(point(100, 50 * kSecond));
  store_.store({});
  store_node(point(130, 80 * kSecond));
  EXPECT_FALSE(store_.node("n"));
}

TEST_F(UsageStoreTest, TheSamePointAgainKeepsTheOneBefore) {
  store_node(point(100, 50 * kSecond));
  store_node(point(115, 65 * kSecond));
  store_node(point(115, 65 * kSecond));
  ASSERT_TRUE(store_.node("n"));
  EXPECT_EQ(store_.node("n")->nano_cores, kSecond);
}

TEST_F(UsageStoreTest, AnOlderPointHasNoUsage) {
  store_node(point(100, 50 * kSecond));
  store_node(point(115, 65 * kSecond));
  store_node(point(90, 40 * kSecond));
  EXPECT_FALSE(store_.node("n"));
}

TEST_F(UsageStoreTest, ACounterThatWentBackHasNoUsage) {
  store_node(point(100, 50 * kSecond));
  store_node(point(115, 1 * kSecond));
  EXPECT_FALSE(store_.node("n"));
}

TEST_F(UsageStoreTest, ContainersOfAPod) {
  store({{"a", point(100, kSecond)}, {"b", point(100, kSecond)}});
  EXPECT_TRUE(pod().empty());
  store({{"a", point(110, 6 * kSecond)}, {"b", point(110, kSecond)}});
  std::vector<ContainerUsage> usage = pod();
  ASSERT_EQ(usage.size(), 2u);
  EXPECT_EQ(usage[0].name, "a");
  EXPECT_EQ(usage[0].usage.nano_cores, kSecond / 2);
  EXPECT_EQ(usage[1].usage.nano_cores, 0);
  EXPECT_TRUE(store_.pod("other", {"default", "p"}).empty());
}

TEST_F(UsageStoreTest, APodWithAnUnknownContainerIsNotTold) {
  store("a", point(100, kSecond));
  store({{"a", point(110, 6 * kSecond)}, {"b", point(110, kSecond)}});
  EXPECT_TRUE(pod().empty());
}

TEST_F(UsageStoreTest, ARestartedContainerStartsAnew) {
  store("a", point(100, 90 * kSecond));
  store("a", point(115, 100 * kSecond, 1024, 112));
  EXPECT_TRUE(pod().empty());
  store("a", point(130, 101 * kSecond, 1024, 112));
  EXPECT_EQ(pod().size(), 1u);
}

TEST_F(UsageStoreTest, AFreshContainerIsMeasuredFromItsStart) {
  store("a", point(112, 6 * kSecond, 1024, 100));
  std::vector<ContainerUsage> usage = pod();
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].usage.nano_cores, kSecond / 2);
  EXPECT_EQ(usage[0].usage.window, std::chrono::seconds(12));
  store("a", point(205, 6 * kSecond, 1024, 200));  // too young
  EXPECT_TRUE(pod().empty());
}

TEST_F(UsageStoreTest, NumbersAtTheEndsOfTheirTypes) {
  MicroTime year_9999 = parse_rfc3339("9999-12-31T23:59:59Z").value();
  store("a", {.started = 1, .time = 2, .cpu_ns = 1, .memory_bytes = 1});
  store("a", {.started = 1, .time = 3, .cpu_ns = 9'000'000'000'000'000'000, .memory_bytes = 1});
  ASSERT_EQ(pod().size(), 1u);
  EXPECT_GT(pod()[0].usage.nano_cores, 0);
  store("a", {.started = 1, .time = year_9999, .cpu_ns = INT64_MAX, .memory_bytes = 1});
  ASSERT_EQ(pod().size(), 1u);
  EXPECT_EQ(pod()[0].usage.window, Duration::max());
}

TEST_F(UsageStoreTest, ClearForgets) {
  store_node(point(100, 50 * kSecond));
  store_node(point(115, 65 * kSecond));
  store_.clear();
  EXPECT_TRUE(store_.empty());
  EXPECT_FALSE(store_.node("n"));
}

}  // namespace
}  // namespace tiphys::apiserver
