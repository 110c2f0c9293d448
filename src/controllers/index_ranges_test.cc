#include "controllers/index_ranges.h"

#include <gtest/gtest.h>

namespace tiphys::controllers {
namespace {

IndexRanges ranges(std::string_view text) { return IndexRanges::parse(text, 1000); }

TEST(IndexRanges, ReadsAndWritesRanges) {
  for (std::string_view text : {"", "0", "0,1", "0-2", "1,3-5,7", "0,2,4,6-999"}) {
    EXPECT_EQ(ranges(text).text(), text);
  }
  EXPECT_EQ(ranges("1-2").text(), "1,2");
  EXPECT_EQ(ranges("4,0-2,3").text(), "0-4");
  EXPECT_EQ(ranges("0-5,2-3").text(), "0-5");
}

TEST(IndexRanges, PassesOverWhatIsNoRange) {
  EXPECT_EQ(ranges("a,1,-3,5-,7-6,9999999999999999999,2-x").text(), "1");
  EXPECT_EQ(IndexRanges::parse("0-7,9", 5).text(), "0-4");
  EXPECT_EQ(IndexRanges::parse("3", 0).text(), "");
  EXPECT_EQ(IndexRanges::parse("0-9999999999", INT32_MAX).count(), INT32_MAX);
}

TEST(IndexRanges, AddsAndCounts) {
  IndexRanges all = ranges("1,3-5");
  all.add(std::vector<int32_t>{2, 9, 3});
  EXPECT_EQ(all.text(), "1-5,9");
  EXPECT_EQ(all.count(), 6);
  all.add(ranges("6-8,20"));
  EXPECT_EQ(all.text(), "1-9,20");
  EXPECT_TRUE(all.has(1));
  EXPECT_TRUE(all.has(9));
  EXPECT_TRUE(all.has(20));
  EXPECT_FALSE(all.has(0));
  EXPECT_FALSE(all.has(10));
  EXPECT_FALSE(all.has(21));
}

TEST(IndexRanges, CountsWhatIsCommon) {
  EXPECT_EQ(ranges("0-4,8-9").count_common(ranges("3-8")), 3);
  EXPECT_EQ(ranges("0-9").count_common(ranges("1,3,5")), 3);
  EXPECT_EQ(ranges("1,3,5").count_common(ranges("0-9")), 3);
  EXPECT_EQ(ranges("1").count_common(ranges("2")), 0);
  EXPECT_EQ(ranges("").count_common(ranges("2")), 0);
}

TEST(IndexRanges, FindsTheFirstThatAreMissing) {
  using Indexes = std::vector<int32_t>;
  EXPECT_EQ(ranges("0,2,3,6").first_missing(3, 100), (Indexes{1, 4, 5}));
  EXPECT_EQ(ranges("0,2,3,6").first_missing(9, 8), (Indexes{1, 4, 5, 7}));
  EXPECT_EQ(ranges("0-9").first_missing(5, 10), Indexes{});
  EXPECT_EQ(ranges("").first_missing(2, 10), (Indexes{0, 1}));
  EXPECT_EQ(ranges("").first_missing(0, 10), Indexes{});
}

}  // namespace
}  // namespace tiphys::controllers
