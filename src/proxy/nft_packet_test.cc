// What only nftables has: its own tool's view of the table, edits seen by an audit.
#include <atomic>
#include <regex>
#include <thread>

#include "proxy/nft_backend.h"
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
    Result<void> loaded = os::nft_apply("flush ruleset\n" + before);
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

TEST_P(NftPacketTest, ConnectionsPassWhileTheTableIsMadeAnew) {
  endpoints({1, 2});
  start();
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0;
  std::vector<std::string> bad[2];
  std::vector<std::thread> askers;
  for (std::vector<std::string>& failures : bad) {
    askers.emplace_back([&] {
      while (!stop) {
        std::string answer = from_node(front(), 80);
        if (answer.starts_with("pod")) ++good;
        if (!answer.starts_with("pod")) failures.push_back(answer);
      }
    });
  }
  for (int i = 0; i < 50; ++i) apply(true);
  stop = true;
  for (std::thread& asker : askers) asker.join();
  EXPECT_GT(good, 100);
  for (const std::vector<std::string>& failures : bad) {
    EXPECT_EQ(failures, std::vector<std::string>());
  }
  EXPECT_EQ(listed().find(stand_in_of(settings.table)), std::string::npos);
}

// What a stranger does to our table, in a network where one of our transactions makes chains and
// rules before or after it.
class NftAuditTest : public NftPacketTest {
 protected:
  // edit: nft commands; TABLE is ours, RULE the handle of the first rule of the chain.
  std::string found_after(std::string edit, const char* chain, bool ours_first) {
    erase(other());
    apply(true);
    if (ours_first) make_chains();
    edit = std::regex_replace(edit, std::regex("TABLE"), "ip " + settings.table);
    edit = std::regex_replace(edit, std::regex("RULE"), first_rule(chain));
    os::CommandResult done = run({"nft", edit});
    EXPECT_EQ(done.status, 0) << done.err;
    if (!ours_first) make_chains();
    return audit();
  }
  std::string audit() {
    Result<std::string> found = "";
    in_namespace(network->node(), [&] { found = backend->audit(node)(); });
    return found ? *found : found.error().message();
  }
  void make_chains() {
    endpoints({1, 2, 3, 4, 5, 6, 7, 8, 9});
    set(other());
    apply(false);
    endpoints({1, 2});
  }

 private:
  ServiceFacts other() {
    ServiceFacts facts = web;
    facts.key = "default/other";
    facts.cluster_ips = {*Address::parse("10.43.0.99")};
    return facts;
  }
  std::string first_rule(const std::string& chain) {
    std::string text = run({"nft", "-a", "list", "chain", "ip", settings.table, chain}).out;
    std::smatch handle;
    std::regex_search(text, handle, std::regex(R"(\t\t[^t].* # handle (\d+))"));
    return handle[1];
  }
};
INSTANTIATE_TEST_SUITE_P(Rules, NftAuditTest, testing::Values(Ruling{"nftables"}), ruling_name);

TEST_P(NftAuditTest, TellsWhatSomebodyElseDid) {
  struct Case {
    const char* chain;
    const char* edit;
    const char* found;  // how it begins
  };
  constexpr Case kCases[] = {
      {"services", "add chain TABLE intruder", "chain intruder is not ours"},
      {"services", "flush chain TABLE services", "chain services has 0 rules instead of 3"},
      {"services", "delete rule TABLE services handle RULE", "chain services has 2 rules instead"},
      {"services", "add rule TABLE services accept", "chain services has 4 rules instead of 3"},
      {"masquerading", "replace rule TABLE masquerading handle RULE accept",
       "chain masquerading has other rules"},
      {"spread-2", "replace rule TABLE spread-2 handle RULE drop",
       "chain spread-2 has other rules"},
      {"services", "add chain TABLE filter-forward { policy drop; }",
       "chain filter-forward has the policy drop"},
      {"services", "add table TABLE { flags dormant; }", "it is dormant"},
      {"services", "flush map TABLE service-ips", "set service-ips has "},
  };
  endpoints({1, 2});
  start();
  for (const Case& test : kCases) {
    for (bool ours_first : {false, true}) {
      SCOPED_TRACE(std::string(test.edit) + (ours_first ? ", after ours" : ", before ours"));
      EXPECT_EQ(found_after(test.edit, test.chain, ours_first).find(test.found), 0u) << audit();
    }
  }
}

TEST_P(NftAuditTest, IsAtEaseWithWhatOthersDoElsewhere) {
  web.affinity_seconds = 60;
  web.ingress_ips = {*Address::parse(outside_ip(5))};
  web.source_ranges = {*Cidr::parse("192.168.77.0/24")};
  endpoints({1, 2});
  start();
  for (bool ours_first : {false, true}) {
    EXPECT_EQ(found_after("add table ip strange", "services", ours_first), "");
    EXPECT_EQ(from_node(front(), 80).substr(0, 3), "pod");
    EXPECT_EQ(audit(), "") << "traffic changes nothing";
  }
}

TEST(NftCustody, TellsOfWhoeverCameSince) {
  if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
  PacketNetwork network(0);
  in_namespace(network.node(), [] {
    auto commit = [](const char* table) {
      return os::nft_apply("add table ip " + std::string(table));
    };
    NftCustody custody;
    uint64_t ours = custody.run([&] { return commit("a"); }).value();
    EXPECT_EQ(custody.strangers().value(), ours);
    EXPECT_EQ(custody.run([&] { return commit("b"); }).value(), ours);
    ASSERT_TRUE(commit("stranger"));
    uint64_t after = custody.run([&] { return commit("c"); }).value();
    EXPECT_NE(after, ours);
    EXPECT_EQ(custody.strangers().value(), after);
    // One that comes along with ours.
    ours = custody.run([&] { return commit("d") ? commit("stranger2") : Result<void>(); }).value();
    EXPECT_EQ(ours, after);
    EXPECT_NE(custody.strangers().value(), ours);
    EXPECT_FALSE(custody.run([&] { return commit("{"); }));
  });
}

TEST(NftTable, Flags) {
  if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
  PacketNetwork network(0);
  in_namespace(network.node(), [] {
    EXPECT_EQ(nft_table_flags("t", Family::kIpv4).value(), std::nullopt);
    ASSERT_TRUE(os::nft_apply("add table ip t\n"));
    EXPECT_EQ(nft_table_flags("t", Family::kIpv4).value(), 0u);
    EXPECT_EQ(nft_table_flags("t", Family::kIpv6).value(), std::nullopt);
    ASSERT_TRUE(nft_remove_table("t", Family::kIpv4));
    ASSERT_TRUE(nft_remove_table("t", Family::kIpv4)) << "absent is fine";
  });
}

TEST(NftApply, SyntaxErrorsAreReported) {
  if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
  Result<void> applied = os::nft_apply("add nonsense\n");
  ASSERT_FALSE(applied);
  EXPECT_NE(applied.error().message().find("nft ended with 1: "), std::string::npos);
}

}  // namespace
}  // namespace tiphys::proxy
