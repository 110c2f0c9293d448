#include "apiserver/response/warnings.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

using Texts = std::vector<std::string>;

TEST(Warnings, are_quoted_and_come_once) {
  EXPECT_EQ(warning_headers({"unknown field \"a\\b\"", "x", "x"}),
            (Texts{R"(299 - "unknown field \"a\\b\"")", R"(299 - "x")"}));
}

TEST(Warnings, what_no_header_may_hold_is_left_out) {
  EXPECT_EQ(warning_headers({"", "a\nb", "a\x7f", "\xc2\x85", "\xff", "ä"}),
            (Texts{R"(299 - "ä")"}));
}

TEST(Warnings, are_bounded) {
  Texts texts(kMaxWarningCharacters / 1024, "");
  for (size_t i = 0; i < texts.size(); ++i) texts[i] = std::to_string(i) + std::string(1023, 'a');
  EXPECT_EQ(warning_headers(texts)[0].size(), 1024 + 8u);
  texts.push_back("one more");
  Texts cut = warning_headers(texts);
  ASSERT_EQ(cut.size(), texts.size());
  EXPECT_EQ(cut[0].size(), kMaxCutWarningCharacters + 8u);
  for (int i = 0; i < 100; ++i) texts.push_back(std::to_string(i) + std::string(1000, 'b'));
  EXPECT_LE(warning_headers(texts).size(), kMaxWarningCharacters / kMaxCutWarningCharacters + 1);
}

}  // namespace
}  // namespace tiphys::apiserver
