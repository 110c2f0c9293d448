// etcd's known correctness bugs, by issue number (SECURITY-CASES.md): each shown not to be ours.
#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {

using testing::ElementsAre;

// A crash between applying and recording the applied index loses or repeats a write. (The real
// crashes are in tests/crash.)
TEST_P(StoreSuite, etcd_13766_a_crash_neither_loses_nor_repeats_a_write) {
  for (int i = 0; i < 50; ++i) put("a", std::to_string(i));
  if (!harness_->crash()) GTEST_SKIP() << "keeps nothing";
  EXPECT_EQ(revision(), 51);
  EXPECT_EQ(get("a")->version, 50);
  EXPECT_EQ(put("a", "next"), 52);
  EXPECT_EQ(get("a")->version, 51);
}

TEST_P(StoreSuite, etcd_14370_one_node_never_loses_an_acknowledged_write) {
  Revision last = 0;
  for (int round = 0; round < 10; ++round) {
    last = put("k" + std::to_string(round), "v");
    if (!harness_->crash()) GTEST_SKIP() << "keeps nothing";
    EXPECT_EQ(revision(), last);
    EXPECT_EQ(value("k" + std::to_string(round)), "v");
  }
  EXPECT_EQ(keys("k").size(), 10u);
}

TEST_P(StoreSuite, etcd_14685_a_crash_during_compaction_leaves_the_data_as_it_was) {
  for (int i = 0; i < 3'000; ++i) {
    Txn one;
    one.puts = {{"k" + std::to_string(i % 10), bytes(std::to_string(i)), 0, nullptr}};
    if (i % 100 == 0) {
      ASSERT_TRUE(txn(std::move(one)));
    } else {
      spawn([](storage::Store& target, Txn work) -> Task<void> {
        auto result = co_await target.txn(std::move(work));
        EXPECT_TRUE(result);
      }(store(), std::move(one)));
    }
  }
  put("last", "v");
  Revision before = revision();
  ASSERT_TRUE(run(store().compact(before - 10)));
  if (!harness_->crash()) GTEST_SKIP() << "keeps nothing";
  EXPECT_EQ(revision(), before);
  EXPECT_EQ(keys("k").size(), 10u);
  EXPECT_EQ(keys("k", before - 10).size(), 10u);
  EXPECT_FALSE(range("k", "", 0, before - 11));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(value("k" + std::to_string(i)), std::to_string(2'990 + i));
}

TEST_P(StoreSuite, etcd_17780_the_revision_never_goes_back_after_a_crash_in_compaction) {
  put("a", "1");
  Revision last = erase("a");
  ASSERT_TRUE(run(store().compact(last)));
  if (!harness_->crash()) GTEST_SKIP() << "keeps nothing";
  EXPECT_EQ(revision(), last);
  // A second compaction takes the last deletion away; still nothing goes back.
  put("b", "1");
  last = erase("b");
  ASSERT_TRUE(run(store().compact(last)));
  ASSERT_TRUE(harness_->crash());
  EXPECT_EQ(revision(), last);
  EXPECT_EQ(put("a", "2"), last + 1);
}

// A delete event is dropped when compaction runs at the revision of the deletion.
TEST_P(StoreSuite, etcd_18089_a_deletion_at_the_compacted_revision_is_still_delivered) {
  put("a", "1");
  put("b", "1");
  Revision deleted = erase("a");
  ASSERT_TRUE(run(store().compact(deleted)));
  auto seen = watch("", deleted);
  ASSERT_TRUE(settle(*seen));
  EXPECT_FALSE(seen->failed);
  EXPECT_THAT(seen->log(), ElementsAre("delete a@4"));
}

TEST_P(StoreSuite, etcd_19179_compaction_beside_a_lagging_watch_drops_no_deletion) {
  auto live = watch("", 0);
  int expected = 0;
  for (int i = 0; i < 40; ++i) {
    put("a", std::to_string(i));
    Revision deleted = erase("a");
    expected += 2;
    auto lagging = watch("", deleted);
    ASSERT_TRUE(run(store().compact(deleted)));
    ASSERT_TRUE(settle(*lagging));
    EXPECT_FALSE(lagging->failed);
    EXPECT_THAT(lagging->log(), ElementsAre("delete a@" + std::to_string(deleted)));
  }
  ASSERT_TRUE(settle(*live));
  EXPECT_EQ(live->events.size(), static_cast<size_t>(expected));
}

TEST_P(StoreSuite, etcd_20221_a_watch_from_a_future_revision_sees_nothing_older) {
  put("a", "1");
  auto seen = watch("", 5);
  put("a", "2");  // 3
  put("a", "3");  // 4
  seen->watch->request_progress();
  ASSERT_TRUE(wait([&] { return seen->progress > 0; }));
  EXPECT_THAT(seen->log(), ElementsAre());
  put("a", "4");  // 5
  put("a", "5");  // 6
  ASSERT_TRUE(settle(*seen));
  EXPECT_THAT(seen->log(), ElementsAre("put a=4@5", "put a=5@6"));
}

TEST_P(StoreSuite, etcd_20221_also_when_the_watch_catches_up_meanwhile) {
  for (int i = 0; i < 10; ++i) put("a", std::to_string(i));
  auto seen = watch("", 12);
  auto caught_up = watch("", 11);
  put("a", "x");
  ASSERT_TRUE(settle(*seen));
  ASSERT_TRUE(settle(*caught_up));
  EXPECT_THAT(seen->log(), ElementsAre("put a=x@12"));
  EXPECT_THAT(caught_up->log(), ElementsAre("put a=9@11", "put a=x@12"));
}

}  // namespace tiphys::tests
