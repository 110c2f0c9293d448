// What only nftables has: its own tool's view of the table, changes seen by its use count.
#include "proxy/packet_fixture_test.h"

namespace tiphys::proxy {
namespace {

class NftPacketTest : public PacketTest {
 protected:
  std::string listed() { return run({"nft", "-s", "list", "ruleset"}).out; }
};
INSTANTIATE_TEST_SUITE_P(Rules, NftPacketTest, testing::Values(Ruling{"nftables"}), ruling_name);

TEST_P(NftPacketTest, AffinityEndsWithItsTimeout) {
  web.affinity_seconds = 1;
  endpoints({1, 2});
  start();
  std::set<std::string> seen;
  for (int i = 0; i < 4; ++i) seen.insert(from_node(front(), 80));
  EXPECT_EQ(seen.size(), 1u);
  auto remembered = [&] { return listed().find("elements = { 192.168.77.1") != std::string::npos; };
  for (int i = 0; i < 200 && remembered(); ++i) ::poll(nullptr, 0, 25);
  EXPECT_FALSE(remembered());
}

// What stands in the kernel can be listed and loaded again by nft(8), and does the same.
TEST_P(NftPacketTest, NftListsAndReloads) {
  web.ingress_ips = {*Address::parse(outside_ip(5))};
  web.source_ranges = {*Cidr::parse("192.168.77.0/24")};
  web.external_local = true;
  endpoints({1});
  start();
  ServiceFacts sticky = web;
  sticky.key = "default/x-sticky";
  sticky.cluster_ips = {*Address::parse(other_front())};
  sticky.affinity_seconds = 60;
  set(sticky);
  apply(false);
  std::string before = listed();
  EXPECT_NE(before.find("goto external-local-1-1"), std::string::npos);
  in_namespace(network->node(), [&] {
    Result<void> loaded = nft_apply("flush ruleset\n" + before);
    EXPECT_TRUE(loaded) << loaded.error().message();
  });
  EXPECT_EQ(listed(), before);
  EXPECT_EQ(from_client(outside_ip(5), 80), "pod1 " + client_ip());
  EXPECT_EQ(from_node(other_front(), 80), "pod1 " + bridge_ip());
}

TEST_P(NftPacketTest, AThousandEndpoints) {
  start();
  endpoints({1});
  for (int i = 1; i < 1000; ++i) {
    slice.endpoints.push_back(slice.endpoints[0]);
    slice.endpoints.back().address =
        *Address::parse("10.42." + std::to_string(1 + i / 250) + "." + std::to_string(i % 250));
  }
  change();
  EXPECT_NE(listed().find("chain spread-1000"), std::string::npos);
  endpoints({2});
  change();
  EXPECT_EQ(from_node(front(), 80), "pod2 " + bridge_ip());
}

TEST_P(NftPacketTest, TableUseTellsThatSomebodyMeddled) {
  endpoints({1});
  start();
  in_namespace(network->node(), [&] {
    auto use = nft_table_use(settings.table, Family::kIpv4);
    ASSERT_TRUE(use && *use) << (use ? "no table" : use.error().message());
    ASSERT_TRUE(nft_apply("add chain ip tiphys-proxy-test intruder\n"));
    auto more = nft_table_use(settings.table, Family::kIpv4);
    EXPECT_EQ(**more, **use + 1);
    ASSERT_TRUE(nft_remove_table(settings.table, Family::kIpv4));
    ASSERT_TRUE(nft_remove_table(settings.table, Family::kIpv4));
    auto none = nft_table_use(settings.table, Family::kIpv4);
    ASSERT_TRUE(none) << none.error().message();
    EXPECT_FALSE(*none);
  });
}

TEST(NftApply, SyntaxErrorsAreReported) {
  if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
  Result<void> applied = nft_apply("add nonsense\n");
  ASSERT_FALSE(applied);
  EXPECT_NE(applied.error().message().find("nft ended with 1: "), std::string::npos);
}

}  // namespace
}  // namespace tiphys::proxy
