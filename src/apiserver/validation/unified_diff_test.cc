#include "apiserver/validation/unified_diff.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

// The expectations are what Python's difflib says of the same lines.
TEST(UnifiedDiff, ShowsWhatChangedWithThreeLinesAround) {
  EXPECT_EQ(unified_diff("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm",
                         "a\nb\nX\nd\ne\nf\ng\nh\ni\nj\nk\nl\nY\nm"),
            "@@ -1,6 +1,6 @@\n a\n b\n-c\n+X\n d\n e\n f\n"
            "@@ -10,4 +10,5 @@\n j\n k\n l\n+Y\n m\n");
  EXPECT_EQ(unified_diff("a", "b"), "@@ -1 +1 @@\n-a\n+b\n");
  EXPECT_EQ(unified_diff("a\nb", "a"), "@@ -1,2 +1 @@\n a\n-b\n");
  EXPECT_EQ(unified_diff("a\nb", "a\nb"), "");
}

// 200 lines and more: a line that is there more than three times is no anchor.
TEST(UnifiedDiff, FrequentLinesOfLongTextsAreNoAnchors) {
  std::string before;
  std::string after;
  for (int i = 0; i < 100; ++i) {
    before += "x\n" + std::to_string(i) + "\n";
    after += "x\n" + std::to_string(i + 1) + "\n";
  }
  EXPECT_EQ(unified_diff(before, after),
            "@@ -1,5 +1,3 @@\n-x\n-0\n x\n 1\n x\n"
            "@@ -198,4 +196,6 @@\n 98\n x\n 99\n+x\n+100\n \n");
}

}  // namespace
}  // namespace tiphys::apiserver
