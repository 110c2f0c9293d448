#include "apiserver/resource_metrics/metrics_collector.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"

namespace tiphys::apiserver {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// Nodes that each use half a core.
class CollectorTest : public testing::Test {
 protected:
  CollectorTest()
      : collector_(
            loop_, [this] { return nodes_; },
            [this](std::string node, StopToken stop) {
              return scrape(std::move(node), std::move(stop));
            }) {}
  ~CollectorTest() override { loop_.run(collector_.stop()); }

  Task<Result<NodePoints>> scrape(std::string node, StopToken stop) {
    ++scrapes_;
    most_ = std::max(most_, ++running_);
    if (node == "hangs") {
      (void)co_await sleep_for(loop_, std::chrono::hours(1), stop);
    } else {
      (void)co_await sleep_for(loop_, std::chrono::milliseconds(10), stop);
    }
    --running_;
    if (node == "hangs" || node == "fails") co_return ApiStatus::internal("no answer");
    NodePoints points;
    points.node = {
        .time = loop_.wall(), .cpu_ns = loop_.mono().count() / 2 + 1, .memory_bytes = 1024};
    co_return points;
  }
  Duration ask() {
    MonoTime from = loop_.mono();
    loop_.run(collector_.ask({}));
    return loop_.mono() - from;
  }

  SimLoop loop_;
  std::vector<std::string> nodes_ = {"a", "b"};
  int scrapes_ = 0;
  int running_ = 0;
  int most_ = 0;
  MetricsCollector collector_;
};

TEST_F(CollectorTest, NothingHappensUntilSomebodyAsks) {
  loop_.run_for(std::chrono::hours(1));
  EXPECT_EQ(scrapes_, 0);
  EXPECT_TRUE(collector_.idle());
}

TEST_F(CollectorTest, TheFirstQuestionWaitsForTwoScrapes) {
  Duration waited = ask();
  EXPECT_GE(waited, MetricsCollector::kFirstWindow);
  EXPECT_LT(waited, seconds(3));
  EXPECT_EQ(scrapes_, 4);
  ASSERT_TRUE(collector_.usage().node("a"));
  EXPECT_NEAR(static_cast<double>(collector_.usage().node("a")->nano_cores), 5e8, 1e6);
  EXPECT_EQ(ask(), Duration::zero());
}

TEST_F(CollectorTest, ScrapesEveryResolutionWhileAskedThenFallsIdle) {
  (void)ask();
  loop_.run_for(seconds(60));
  EXPECT_EQ(collector_.usage().node("b")->window, MetricsCollector::kResolution);
  int after_a_minute = scrapes_;
  EXPECT_NEAR(after_a_minute, 4 + 2 * 4, 2);
  loop_.run_for(minutes(2));
  EXPECT_TRUE(collector_.idle());
  EXPECT_TRUE(collector_.usage().empty());
  int at_rest = scrapes_;
  loop_.run_for(std::chrono::hours(1));
  EXPECT_EQ(scrapes_, at_rest);
  EXPECT_GE(ask(), MetricsCollector::kFirstWindow);
  EXPECT_TRUE(collector_.usage().node("a"));
}

TEST_F(CollectorTest, AskingKeepsItGoing) {
  for (int i = 0; i < 20; ++i) {
    (void)ask();
    loop_.run_for(minutes(1));
    EXPECT_FALSE(collector_.idle());
  }
  EXPECT_NEAR(scrapes_, 2 * 20 * 4, 8);
}

TEST_F(CollectorTest, ANodeThatHangsHoldsNobodyForLong) {
  nodes_ = {"hangs", "a", "fails"};
  EXPECT_LE(ask(), MetricsCollector::kFirstAnswer);
  loop_.run_for(seconds(30));
  EXPECT_TRUE(collector_.usage().node("a"));
  EXPECT_FALSE(collector_.usage().node("hangs"));
  EXPECT_FALSE(collector_.usage().node("fails"));
}

TEST_F(CollectorTest, ManyNodesAreAskedAFewAtATime) {
  nodes_.clear();
  for (int i = 0; i < 1000; ++i) nodes_.push_back("n" + std::to_string(i));
  (void)ask();
  EXPECT_EQ(most_, static_cast<int>(MetricsCollector::kScrapesAtOnce));
  EXPECT_TRUE(collector_.usage().node("n999"));
}

TEST_F(CollectorTest, NodesComeAndGo) {
  (void)ask();
  nodes_ = {"b", "c"};
  loop_.run_for(seconds(31));
  EXPECT_FALSE(collector_.usage().node("a"));
  EXPECT_TRUE(collector_.usage().node("c"));
}

TEST_F(CollectorTest, StopsInTheMiddleOfAScrape) {
  nodes_ = {"hangs"};
  bool answered = false;
  spawn([](MetricsCollector* collector, bool* done) -> Task<void> {
    co_await collector->ask({});
    *done = true;
  }(&collector_, &answered));
  loop_.run_for(seconds(1));
  loop_.run_for(seconds(5));
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace tiphys::apiserver
