#include "apiserver/registry/service_ranges.h"

#include <gtest/gtest.h>

namespace tiphys::apiserver {
namespace {

std::string refusal(std::string_view flag) {
  auto ranges = parse_service_ranges(flag);
  return ranges ? "" : ranges.error().message();
}

TEST(ServiceRanges, HoldWhatMayBeGivenOut) {
  ServiceRange small = *parse_service_range("10.43.0.9/29");
  EXPECT_EQ(small.text(), "10.43.0.8/29");
  EXPECT_FALSE(small.holds(*parse_ip("10.43.0.8")));
  EXPECT_TRUE(small.holds(*parse_ip("10.43.0.9")));
  EXPECT_TRUE(small.holds(*parse_ip("10.43.0.14")));
  EXPECT_FALSE(small.holds(*parse_ip("10.43.0.15"))) << "broadcast";
  ServiceRange wide = *parse_service_range("fd00::/64");
  EXPECT_FALSE(wide.holds(*parse_ip("fd00::")));
  EXPECT_TRUE(wide.holds(*parse_ip("fd00::ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(wide.holds(*parse_ip("fd00:0:0:1::")));
  EXPECT_FALSE(wide.holds(*parse_ip("10.43.0.9")));
  EXPECT_EQ(canonical_text(wide.at(wide.last)), "fd00::ffff:ffff:ffff:ffff");
  EXPECT_EQ(parse_service_range("10.0.0.1/32")->last, 0u);
  EXPECT_EQ(parse_service_range("10.0.0.0/31")->last, 0u);
  EXPECT_EQ(parse_service_range("fd00::1/128")->last, 0u);
  EXPECT_FALSE(parse_service_range("fd00::/63"));
  EXPECT_FALSE(parse_service_range("::ffff:10.43.0.0/112"));
}

TEST(ServiceRanges, KeepALowerBand) {
  auto reserved = [](std::string_view cidr) { return parse_service_range(cidr)->reserved(); };
  EXPECT_EQ(reserved("10.0.0.0/28"), 0u);
  EXPECT_EQ(reserved("10.0.0.0/24"), 16u);
  EXPECT_EQ(reserved("10.0.0.0/20"), 256u);
  EXPECT_EQ(reserved("10.0.0.0/12"), 256u);
  EXPECT_EQ(reserved("fd00::/64"), 256u);
}

TEST(ServiceRanges, FollowTheFlag) {
  auto ranges = parse_service_ranges("fd00:43::/108,10.43.0.0/16");
  ASSERT_TRUE(ranges);
  EXPECT_EQ((*ranges)[0].family(), "IPv6");
  EXPECT_EQ((*ranges)[1].family(), "IPv4");
  EXPECT_EQ(refusal(""), "service-cluster-ip-range[0] is not a valid cidr");
  EXPECT_EQ(refusal("10.43.0.0/16,x"), "service-cluster-ip-range[1] is not an ip net");
  EXPECT_EQ(refusal("10.43.0.0/30"),
            "error determining service IP ranges for primary service cidr: the service cluster IP "
            "range must be at least 8 IP addresses");
  EXPECT_EQ(refusal("10.43.0.0/16,fd00::/108,10.44.0.0/16"),
            "--service-cluster-ip-range must not contain more than two entries");
  EXPECT_EQ(refusal("10.43.0.0/16,10.44.0.0/16"),
            "--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different "
            "IP family");
  EXPECT_EQ(refusal("fd00::/63"),
            "specified --service-cluster-ip-range is too large; for 128-bit addresses, the mask "
            "must be >= 64");
  EXPECT_EQ(refusal("10.43.0.0/16,fd00::/48"),
            "specified --service-cluster-ip-range[1] is too large; for 128-bit addresses, the "
            "mask must be >= 64");
}

}  // namespace
}  // namespace tiphys::apiserver
