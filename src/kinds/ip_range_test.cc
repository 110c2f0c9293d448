#include "kinds/ip_range.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

std::string after(std::string_view address, uint64_t n, int shift = 0) {
  return canonical_text(advance(*parse_ip(address), n, shift));
}

TEST(IpRange, Advances) {
  EXPECT_EQ(after("10.0.0.255", 1), "10.0.1.0");
  EXPECT_EQ(after("10.0.0.0", 3, 8), "10.0.3.0");
  EXPECT_EQ(after("255.255.255.255", 1), "0.0.0.0");
  EXPECT_EQ(after("fd00::", 0x10000), "fd00::1:0");
  EXPECT_EQ(after("fd00::ffff:ffff:ffff:ffff", 1), "fd00:0:0:1::");
  EXPECT_EQ(after("fd00::", 5, 64), "fd00:0:0:5::");
}

TEST(IpRange, NumbersBlocks) {
  auto block = [](std::string_view from, std::string_view address, int shift) {
    return block_of(*parse_ip(from), *parse_ip(address), shift);
  };
  EXPECT_EQ(block("10.0.0.0", "10.0.1.5", 0), 261u);
  EXPECT_EQ(block("10.0.0.0", "10.0.1.5", 8), 1u);
  EXPECT_EQ(block("10.0.0.1", "10.0.0.0", 0), std::nullopt);
  EXPECT_EQ(block("10.0.0.0", "fd00::", 0), std::nullopt);
  EXPECT_EQ(block("fd00::", "fd00:0:0:7::1", 64), 7u);
  EXPECT_EQ(block("fd00::", "fd00:0:0:1::", 0), std::nullopt) << "more than 64 bits";
  EXPECT_EQ(block("fd00::", "fd00::ffff:ffff:ffff:ffff", 0), UINT64_MAX);
}

}  // namespace
}  // namespace tiphys
