#include "controllers/range_pool.h"

#include <gtest/gtest.h>

namespace tiphys::controllers {
namespace {

TEST(RangePool, GivesEachNodeItsOwnRange) {
  Result<RangePool> pool = RangePool::create("10.42.0.0/22", 24);
  ASSERT_TRUE(pool);
  EXPECT_TRUE(pool->take("10.42.1.0/24", "b"));
  EXPECT_FALSE(pool->take("192.168.0.0/24", "odd"));
  EXPECT_FALSE(pool->take("nonsense", "odd"));
  EXPECT_EQ(pool->range_for("a"), "10.42.0.0/24");
  EXPECT_EQ(pool->range_for("b"), "10.42.1.0/24");
  EXPECT_EQ(pool->range_for("c"), "10.42.2.0/24");
  EXPECT_EQ(pool->range_for("d"), "10.42.3.0/24");
  EXPECT_EQ(pool->range_for("e"), std::nullopt);
  pool->give_back("c");
  EXPECT_EQ(pool->range_for("e"), "10.42.2.0/24");
}

TEST(RangePool, ReservedRangesAreGivenToNobody) {
  Result<RangePool> pool = RangePool::create("10.42.0.0/22", 24);
  ASSERT_TRUE(pool);
  EXPECT_TRUE(pool->reserve("10.42.0.128/25"));
  EXPECT_TRUE(pool->reserve("10.42.2.0/23"));
  EXPECT_TRUE(pool->reserve("10.96.0.0/12")) << "nothing in common";
  EXPECT_FALSE(pool->reserve("10.96.0.0"));
  EXPECT_EQ(pool->range_for("a"), "10.42.1.0/24");
  EXPECT_EQ(pool->passed(), 1u);
  EXPECT_EQ(pool->range_for("a"), "10.42.1.0/24");
  EXPECT_EQ(pool->passed(), std::nullopt);
  EXPECT_EQ(pool->range_for("b"), std::nullopt);
}

TEST(RangePool, ARangeGivenBackRests) {
  Result<RangePool> pool = RangePool::create("10.42.0.0/22", 24);
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->range_for("a"), "10.42.0.0/24");
  pool->give_back("a");
  EXPECT_EQ(pool->range_for("b"), "10.42.1.0/24");
  EXPECT_TRUE(pool->take("10.42.2.0/24", "c"));
  EXPECT_EQ(pool->range_for("d"), "10.42.3.0/24");
  EXPECT_EQ(pool->passed(), 1u);
  EXPECT_EQ(pool->range_for("e"), "10.42.0.0/24");
  EXPECT_EQ(pool->passed(), 0u);
}

TEST(RangePool, RefusesBadRanges) {
  EXPECT_FALSE(RangePool::create("10.42.0.0", 24));
  EXPECT_FALSE(RangePool::create("10.42.0.0/25", 24));
  EXPECT_FALSE(RangePool::create("0.0.0.0/1", 24));
}

TEST(RangePool, GivesRangesOfIpv6) {
  Result<RangePool> pool = RangePool::create("fd00:42::/56", 64);
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->size(), 256u);
  EXPECT_TRUE(pool->take("fd00:42:0:1::/64", "b"));
  EXPECT_TRUE(pool->take("fd00:42:0:ff::/64", "z"));
  EXPECT_FALSE(pool->take("fd00:42:0:100::/64", "odd"));
  EXPECT_FALSE(pool->take("10.42.0.0/24", "odd"));
  EXPECT_TRUE(pool->reserve("fd00:42:0:2::/63"));
  EXPECT_EQ(pool->range_for("a"), "fd00:42::/64");
  EXPECT_EQ(pool->range_for("b"), "fd00:42:0:1::/64");
  EXPECT_EQ(pool->range_for("c"), "fd00:42:0:4::/64");
  EXPECT_EQ(pool->taken(), 6u);
}

TEST(RangePool, KnowsRangesBeyondTheNumbersOfTheMachine) {
  Result<RangePool> pool = RangePool::create("fd00::/32", 48);
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->size(), 65536u);
  EXPECT_TRUE(pool->take("fd00:0:ffff::/48", "last"));
  EXPECT_TRUE(pool->reserve("fd00::/16")) << "all of it";
  EXPECT_EQ(pool->range_for("a"), std::nullopt);
}

std::string refusal(RangeOptions options) {
  Result<std::vector<RangePool>> pools = make_range_pools(options);
  return pools ? "" : pools.error().message();
}

TEST(RangePools, FollowTheFlags) {
  RangeOptions dual{.cluster_cidr = "fd00:42::/48,10.42.0.0/16",
                    .service_cidr = "10.42.0.0/24,fd00:43::/108"};
  Result<std::vector<RangePool>> pools = make_range_pools(dual);
  ASSERT_TRUE(pools);
  ASSERT_EQ(pools->size(), 2u);
  EXPECT_EQ((*pools)[0].range_for("a"), "fd00:42::/64");
  EXPECT_EQ((*pools)[1].range_for("a"), "10.42.1.0/24") << "the first one is the services'";
  dual.node_cidr_mask_size_ipv4 = 25;
  dual.node_cidr_mask_size_ipv6 = 60;
  pools = make_range_pools(dual);
  ASSERT_TRUE(pools);
  EXPECT_EQ((*pools)[0].range_for("b"), "fd00:42::/60");
  EXPECT_EQ((*pools)[1].range_for("b"), "10.42.1.0/25");
  dual.node_cidr_mask_size = 24;
  EXPECT_EQ(refusal(dual),
            "usage of --node-cidr-mask-size is not allowed with dual-stack clusters");
}

TEST(RangePools, RefuseWhatDoesNotGoTogether) {
  EXPECT_EQ(refusal({.cluster_cidr = "x"}),
            "failed to parse cidr value:\"x\" with error:invalid CIDR address: x");
  EXPECT_EQ(refusal({.cluster_cidr = "10.0.0.0/16,10.1.0.0/16"}),
            "len of ClusterCIDRs==2 and they are not configured as dual stack (at least one from "
            "each IPFamily");
  EXPECT_EQ(refusal({.cluster_cidr = "10.0.0.0/16,10.1.0.0/16,fd00::/48"}),
            "length of clusterCIDRs is:3 more than max allowed of 2");
  EXPECT_EQ(refusal({.cluster_cidr = "10.0.0.0/16", .node_cidr_mask_size_ipv6 = 64}),
            "usage of --node-cidr-mask-size-ipv6 is not allowed for a single-stack IPv4 cluster");
  EXPECT_EQ(refusal({.cluster_cidr = "fd00::/48", .node_cidr_mask_size_ipv4 = 24}),
            "usage of --node-cidr-mask-size-ipv4 is not allowed for a single-stack IPv6 cluster");
  EXPECT_EQ(refusal({.cluster_cidr = "fd00::/48", .node_cidr_mask_size = 60}), "");
  EXPECT_NE(refusal({.cluster_cidr = "fd00::/32"}), "") << "more than 65536 nodes";
}

}  // namespace
}  // namespace tiphys::controllers
