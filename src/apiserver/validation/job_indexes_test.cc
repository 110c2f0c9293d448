#include "apiserver/validation/job_indexes.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

std::string problem(std::string_view text, int64_t completions) {
  Result<int64_t> count = count_job_indexes(text, completions);
  return count ? std::to_string(*count) : count.error().message();
}

TEST(JobIndexes, AreCountedAndOrdered) {
  EXPECT_EQ(problem("", 5), "0");
  EXPECT_EQ(problem("1,3-5,7", 10), "5");
  EXPECT_EQ(problem("1-2-3", 10),
            "the fragment \"1-2-3\" violates the requirement that an index interval can have at "
            "most two parts separated by '-'");
  EXPECT_EQ(problem("a", 10), "cannot convert string to integer for index: \"a\"");
  EXPECT_EQ(problem("10", 10), "too large index: \"10\"");
  EXPECT_EQ(problem("5-3", 10), "non-increasing order, previous: 5, current: 3");
  EXPECT_EQ(problem("5,5", 10), "non-increasing order, previous: 5, current: 5");
}

TEST(JobIndexes, MayNotOverlap) {
  EXPECT_TRUE(job_indexes_apart("0,2-4", "1,5", 10));
  Result<void> apart = job_indexes_apart("0,2-4", "1,3-5", 10);
  ASSERT_FALSE(apart);
  EXPECT_EQ(apart.error().message(), "failedIndexes and completedIndexes overlap at index: 3");
}

}  // namespace
}  // namespace tiphys::apiserver
