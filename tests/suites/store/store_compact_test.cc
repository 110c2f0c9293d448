// Compaction: what is forgotten, what stays, and that it happens by itself.
#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {

using testing::ElementsAre;

TEST_P(StoreSuite, compaction_forgets_history_below_and_keeps_the_state_at_its_revision) {
  put("a", "1");  // 2
  put("a", "2");  // 3
  put("b", "1");  // 4
  erase("b");     // 5
  put("a", "3");  // 6
  put("a", "4");  // 7
  ASSERT_TRUE(run(store().compact(6)));
  EXPECT_EQ(value("a", 6), "3");
  EXPECT_EQ(value("a", 7), "4");
  EXPECT_THAT(keys("", 6), ElementsAre("a"));
  auto old = run(store().get("a", 5));
  ASSERT_FALSE(old);
  EXPECT_TRUE(old.error().is_gone());
  EXPECT_EQ(old.error().reason(), "Expired");
  EXPECT_EQ(old.error().message(), "etcdserver: mvcc: required revision has been compacted");
  EXPECT_FALSE(range("", "", 0, 5));
}

TEST_P(StoreSuite, compacting_the_past_or_the_future_is_an_error) {
  put("a", "1");
  put("a", "2");
  ASSERT_TRUE(run(store().compact(3)));
  EXPECT_TRUE(run(store().compact(2)).error().is_gone());
  EXPECT_TRUE(run(store().compact(3)).error().is_gone());
  EXPECT_EQ(run(store().compact(4)).error().message(),
            "etcdserver: mvcc: required revision is a future revision");
}

TEST_P(StoreSuite, a_watch_from_a_compacted_revision_fails_with_expired) {
  put("a", "1");
  put("a", "2");
  put("a", "3");
  ASSERT_TRUE(run(store().compact(4)));
  auto seen = watch("", 3);
  ASSERT_TRUE(wait([&] { return seen->failed.has_value(); }));
  EXPECT_EQ(seen->failed->reason(), "Expired");
  EXPECT_TRUE(seen->events.empty());
  auto kept = watch("", 4);
  ASSERT_TRUE(settle(*kept));
  EXPECT_THAT(kept->log(), ElementsAre("put a=3@4"));
}

TEST_P(StoreSuite, a_running_watch_is_not_disturbed_by_compaction) {
  auto seen = watch("", 0);
  for (int i = 0; i < 50; ++i) {
    Revision now = put("a", std::to_string(i));
    ASSERT_TRUE(run(store().compact(now)));
  }
  ASSERT_TRUE(settle(*seen));
  EXPECT_FALSE(seen->failed);
  EXPECT_EQ(seen->events.size(), 50u);
}

TEST_P(StoreSuite, compaction_survives_a_restart) {
  for (int i = 0; i < 20; ++i) put("a", std::to_string(i));
  erase("a");  // 22
  ASSERT_TRUE(run(store().compact(22)));
  if (!harness_->reopen()) GTEST_SKIP() << "keeps nothing";
  EXPECT_EQ(revision(), 22);
  EXPECT_FALSE(run(store().get("a", 21)));
  EXPECT_FALSE(get("a", 22));
  EXPECT_EQ(put("a", "again"), 23);
  EXPECT_EQ(get("a")->version, 1);
}

TEST_P(StoreSuite, history_is_compacted_by_itself) {
  start({.keep_for = std::chrono::milliseconds(50), .value_cache_bytes = 1 << 20});
  for (int i = 0; i < 3; ++i) put("a", std::to_string(i));  // 2 to 4
  ASSERT_TRUE(wait([&] { return !run(store().get("a", 3)); })) << "however little there is";
  EXPECT_EQ(store().compacted(), 4);
  EXPECT_EQ(value("a", 4), "2");
  EXPECT_EQ(value("a"), "2");
}

TEST_P(StoreSuite, reads_of_now_go_on_under_constant_compaction) {
  start({.keep_for = Duration::zero(), .value_cache_bytes = 0});
  bool writing = true;
  bool ended = false;
  spawn([](storage::Store& target, bool* go, bool* end) -> Task<void> {
    for (int i = 0; *go || i < 200; ++i) {
      Txn one;
      one.puts = {{"k" + std::to_string(i % 3), bytes("v"), 0, nullptr}};
      auto result = co_await target.txn(std::move(one));
      EXPECT_TRUE(result);
      auto compacted = co_await target.compact(result->revision);
      EXPECT_TRUE(compacted);
    }
    *end = true;
  }(store(), &writing, &ended));
  for (int i = 0; i < 200; ++i) {
    auto all = range("k");
    ASSERT_TRUE(all) << all.error().message();
    EXPECT_LE(all->items.size(), 3u);
  }
  writing = false;
  ASSERT_TRUE(wait([&] { return ended; }));
  EXPECT_EQ(keys("k").size(), 3u);
}

}  // namespace tiphys::tests
