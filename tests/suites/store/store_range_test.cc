// Ranges: order, prefixes, limits, older and future revisions.
#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {

using testing::ElementsAre;

TEST_P(StoreSuite, a_range_is_in_key_order_and_only_of_its_prefix) {
  for (auto key : {"/p/b", "/p/a", "/q/a", "/p/ab", "/pa", "/p/"}) put(key, key);
  EXPECT_THAT(keys("/p/"), ElementsAre("/p/", "/p/a", "/p/ab", "/p/b"));
  EXPECT_THAT(keys("/p"), ElementsAre("/p/", "/p/a", "/p/ab", "/p/b", "/pa"));
  EXPECT_THAT(keys(""), ElementsAre("/p/", "/p/a", "/p/ab", "/p/b", "/pa", "/q/a"));
  EXPECT_THAT(keys("/r"), ElementsAre());
}

TEST_P(StoreSuite, prefixes_of_ff_bytes_end_where_they_should) {
  std::string last("\xff");
  put("a", "");
  put("a" + last, "");
  put("a" + last + last, "");
  put("b", "");
  put(last, "");
  put(last + last + "z", "");
  EXPECT_THAT(keys("a" + last), ElementsAre("a" + last, "a" + last + last));
  EXPECT_THAT(keys(last), ElementsAre(last, last + last + "z"));
  EXPECT_THAT(keys(last + last), ElementsAre(last + last + "z"));
}

TEST_P(StoreSuite, a_limit_cuts_and_counts_the_rest) {
  for (int i = 0; i < 10; ++i) put("/k/" + std::to_string(i), "v");
  auto page = range("/k/", "", 4);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items.size(), 4u);
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->count, 10);
  page = range("/k/", std::string("/k/3") + '\0', 4);
  EXPECT_EQ(page->items.front().key, "/k/4");
  EXPECT_EQ(page->count, 6);
  page = range("/k/", "/k/6", 4);
  EXPECT_FALSE(page->more);
  EXPECT_EQ(page->items.size(), 4u);
  page = range("/k/", "/z", 4);
  EXPECT_EQ(page->count, 0);
  page = range("/k/", "/a", 100);
  EXPECT_EQ(page->count, 10);
}

TEST_P(StoreSuite, older_states_stay_readable) {
  put("a", "1");  // 2
  put("b", "1");  // 3
  put("a", "2");  // 4
  erase("b");     // 5
  put("c", "1");  // 6
  put("b", "2");  // 7
  erase("a");     // 8
  EXPECT_THAT(keys("", 1), ElementsAre());
  EXPECT_THAT(keys("", 3), ElementsAre("a", "b"));
  EXPECT_THAT(keys("", 5), ElementsAre("a"));
  EXPECT_THAT(keys("", 6), ElementsAre("a", "c"));
  EXPECT_THAT(keys("", 7), ElementsAre("a", "b", "c"));
  EXPECT_THAT(keys("", 8), ElementsAre("b", "c"));
  EXPECT_EQ(value("a", 3), "1");
  EXPECT_EQ(value("a", 4), "2");
  EXPECT_EQ(value("a", 8), "(absent)");
  EXPECT_EQ(value("b", 4), "1");
  EXPECT_EQ(value("b", 6), "(absent)");
  EXPECT_EQ(get("a", 7)->version, 2);
  EXPECT_EQ(get("b", 4)->create_revision, 3);
  EXPECT_EQ(range("", "", 0, 3)->revision, 8);
}

TEST_P(StoreSuite, pages_of_one_revision_are_one_state) {
  for (int i = 0; i < 20; ++i) put("/k/" + std::to_string(10 + i), "old");
  Revision at = revision();
  std::vector<std::string> seen;
  std::string from;
  for (int page_number = 0;; ++page_number) {
    auto page = range("/k/", from, 3, at);
    ASSERT_TRUE(page);
    for (auto& item : page->items) seen.push_back(item.key + *item.value);
    EXPECT_EQ(page->count, 20 - 3 * page_number);
    if (!page->more) break;
    from = page->items.back().key + '\0';
    erase("/k/" + std::to_string(29 - page_number));
    put("/k/" + std::to_string(29 - page_number), "back");
    erase("/k/" + std::to_string(20 - page_number));
    put("/k/1" + std::to_string(page_number) + "x", "new");
    put("/k/" + std::to_string(12 + page_number), "changed");
  }
  ASSERT_EQ(seen.size(), 20u);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(seen[i], "/k/" + std::to_string(10 + i) + "old");
}

TEST_P(StoreSuite, a_future_revision_is_an_error) {
  put("a", "1");
  auto result = range("", "", 0, 3);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "etcdserver: mvcc: required revision is a future revision");
  EXPECT_FALSE(run(store().get("a", 3)));
}

TEST_P(StoreSuite, large_ranges_come_whole) {
  Txn many;
  for (int i = 0; i < 5'000; ++i) {
    many.puts.push_back({"/k/" + std::to_string(i), bytes(std::to_string(i)), 0, nullptr});
  }
  ASSERT_TRUE(txn(many));
  if (harness_->reopen()) EXPECT_EQ(revision(), 2);
  auto all = range("/k/");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->items.size(), 5'000u);
  for (auto& item : all->items) EXPECT_EQ("/k/" + *item.value, item.key);
}

}  // namespace tiphys::tests
