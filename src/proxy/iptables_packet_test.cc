// What only iptables has: chains of fixed names beside those of others, in both flavours.
#include "base/strings.h"
#include "proxy/packet_fixture_test.h"

namespace tiphys::proxy {
namespace {

class IptablesPacketTest : public PacketTest {
 protected:
  std::string look() {
    std::string seen;
    in_namespace(network->node(), [&] { seen = *backend->look()(); });
    return seen;
  }
  // Chains and rules of table nat, sorted.
  std::string saved_rules() {
    std::set<std::string> lines;
    std::string text = run({"iptables-" + GetParam().mode + "-save", "-t", "nat"}).out;
    for (std::string_view line : split(text, '\n')) {
      if (!line.starts_with("#")) lines.emplace(line.substr(0, line.find(" [")));
    }
    std::string sorted;
    for (const std::string& line : lines) sorted += line + "\n";
    return sorted;
  }
};
INSTANTIATE_TEST_SUITE_P(Rules, IptablesPacketTest,
                         testing::Values(Ruling{"nft"}, Ruling{"legacy"}), ruling_name);

TEST_P(IptablesPacketTest, FlushedTablesAreSeenAndMadeAnew) {
  endpoints({1});
  start();
  EXPECT_EQ(look(), "KUBE-PROXY-CANARY");
  std::string iptables = "iptables-" + GetParam().mode;
  run({iptables, "-t", "nat", "-F"});
  EXPECT_EQ(look(), "");
  run({iptables, "-t", "nat", "-X"});
  EXPECT_EQ(look(), "");
  set(web);
  apply(true);
  EXPECT_EQ(look(), "KUBE-PROXY-CANARY");
  EXPECT_EQ(from_node(front(), 80), "pod1 " + bridge_ip());
}

TEST_P(IptablesPacketTest, LeftoversGoAndForeignRulesStay) {
  std::string iptables = "iptables-" + GetParam().mode;
  run({iptables, "-t", "nat", "-N", "KUBE-SVC-AAAAAAAAAAAAAAAA"});
  run({iptables, "-t", "nat", "-N", "OTHERS"});
  run({iptables, "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "1", "-j", "OTHERS"});
  endpoints({1});
  start();
  apply(true);
  std::string saved = run({iptables + "-save"}).out;
  EXPECT_EQ(saved.find("AAAAAAAA"), std::string::npos);
  EXPECT_NE(saved.find("-j OTHERS"), std::string::npos);
  size_t jumps = 0;
  for (size_t at = saved.find("-j KUBE-POSTROUTING"); at != std::string::npos;
       at = saved.find("-j KUBE-POSTROUTING", at + 1)) {
    ++jumps;
  }
  EXPECT_EQ(jumps, 1u) << saved;
  in_namespace(network->node(), [&] {
    Settings others;
    others.table = "tiphys-proxy-br7";
    EXPECT_TRUE(iptables_cleanup(others));
    EXPECT_EQ(*backend->look()(), "KUBE-PROXY-CANARY") << "another cluster's";
    Result<void> done = iptables_cleanup(settings);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(iptables_cleanup(settings));
  });
  saved = run({iptables + "-save"}).out;
  EXPECT_EQ(saved.find("KUBE-"), std::string::npos) << saved;
  EXPECT_NE(saved.find("-j OTHERS"), std::string::npos);
}

// What is left over from a transaction is what a whole one would make.
TEST_P(IptablesPacketTest, ManyServicesThatGoLeaveTheOthersAsTheyWere) {
  endpoints({1});
  start();
  auto name = [](int i) { return ServiceFacts{.key = "many/" + std::to_string(i)}; };
  for (int i = 0; i < 300; ++i) {
    ServiceFacts one = name(i);
    one.cluster_ips = {*Address::parse("10.44.0." + std::to_string(i % 150))};
    one.ports = {{.protocol = "tcp", .port = static_cast<uint16_t>(1000 + i)}};
    set(one);
  }
  apply(false);
  EXPECT_EQ(from_node("10.44.0.9", 1009), "pod1 " + bridge_ip());
  for (int i = 10; i < 300; ++i) erase(name(i));
  apply(false);
  EXPECT_EQ(from_node("10.44.0.9", 1009), "pod1 " + bridge_ip());
  EXPECT_EQ(from_client(front(), 80), "pod1 " + bridge_ip());
  EXPECT_EQ(from_client(node_ip(), 30080), "pod1 " + bridge_ip());
  std::string left = saved_rules();
  apply(true);
  EXPECT_EQ(left, saved_rules());
}

TEST_P(IptablesPacketTest, EveryKindOfRuleIsUnderstood) {
  web.cluster_ips = {*Address::parse("fd00:43::5")};
  web.ports.push_back({.name = "sig", .protocol = "sctp", .port = 99});
  web.affinity_seconds = 60;
  web.external_local = true;
  web.ingress_ips = {*Address::parse("2001:db8::5")};
  web.source_ranges = {*Cidr::parse("2001:db8::/64")};
  web.health_check_node_port = 32000;
  slice.ports.push_back({.name = "sig", .protocol = "sctp", .port = 99});
  for (const char* address : {"fd00:42::1", "fd00:42::2"}) {
    slice.endpoints.push_back(
        {.address = *Address::parse(address), .ready = true, .serving = true, .node_name = "n1"});
  }
  backend = make_iptables_backend(settings, Family::kIpv6, GetParam().mode);
  set(web);
  apply(true);
  std::string saved = run({"ip6tables-" + GetParam().mode + "-save"}).out;
  EXPECT_NE(saved.find("--to-destination [fd00:42::1]:8080"), std::string::npos) << saved;
  slice.endpoints.clear();
  set(web);
  apply(false);
  erase(web);
  apply(false);
  saved = run({"ip6tables-" + GetParam().mode + "-save"}).out;
  EXPECT_EQ(saved.find("KUBE-SEP-"), std::string::npos) << saved;
  EXPECT_EQ(saved.find("fd00"), std::string::npos) << saved;
}

}  // namespace
}  // namespace tiphys::proxy
