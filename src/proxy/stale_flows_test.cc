#include "proxy/stale_flows.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace tiphys::proxy {
namespace {

Address ip(const char* text) { return *Address::parse(text); }

ServiceFacts dns() {
  ServiceFacts service{.key = "kube-system/dns"};
  service.cluster_ips = {ip("10.43.0.10"), ip("fd00::10")};
  service.ports = {{.name = "dns", .protocol = "udp", .port = 53, .node_port = 30053},
                   {.name = "dns-tcp", .protocol = "tcp", .port = 53}};
  return service;
}

Fronts fronts(std::vector<Target> targets) {
  std::vector<Targets> list = {{targets, {}}, {targets, {}}};
  return fronts_of(dns(), list, Family::kIpv4);
}

Fronts changed(const Fronts& before, const Fronts& now) {
  Fronts out;
  add_changed_fronts(before, now, out);
  return out;
}

const Target kOne{ip("10.42.0.11"), 5300};
const Target kTwo{ip("10.42.0.12"), 5300};

TEST(StaleFlows, FrontsAreTheConnectionlessAddressesOfTheFamily) {
  Fronts all = fronts({kOne});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all.contains({IPPROTO_UDP, 53, "10.43.0.10"}));
  EXPECT_TRUE(all.contains({IPPROTO_UDP, 30053, ""}));
}

TEST(StaleFlows, OnlyWhatLostATargetOrGotItsFirstIsLookedAt) {
  EXPECT_TRUE(changed(fronts({kOne}), fronts({kOne})).empty());
  EXPECT_TRUE(changed(fronts({kOne}), fronts({kOne, kTwo})).empty()) << "one more";
  EXPECT_EQ(changed(fronts({kOne}), fronts({kTwo})), fronts({kTwo}));
  EXPECT_EQ(changed(fronts({}), fronts({kTwo})), fronts({kTwo}));
  EXPECT_TRUE(changed({}, fronts({})).empty());
  EXPECT_EQ(changed(fronts({kOne}), {}), fronts({})) << "the service went";
}

TEST(StaleFlows, AFlowIsStaleIfItLeadsElsewhere) {
  Fronts now = fronts({kTwo});
  std::set<std::string> local = {"192.168.77.1"};
  Flow flow{IPPROTO_UDP, ip("10.43.0.10"), 53, kOne, true};
  EXPECT_TRUE(is_stale(flow, now, local));
  flow.answering = kTwo;
  EXPECT_FALSE(is_stale(flow, now, local));
  flow.answering = {ip("10.43.0.10"), 53};
  flow.translated = false;
  EXPECT_TRUE(is_stale(flow, now, local)) << "from before there were endpoints";
  flow.port = 54;
  EXPECT_FALSE(is_stale(flow, now, local)) << "not a port of the service";
}

TEST(StaleFlows, NodePortsConcernTheNodesOwnAddresses) {
  Fronts now = fronts({kTwo});
  Flow flow{IPPROTO_UDP, ip("192.168.77.1"), 30053, {ip("192.168.77.1"), 30053}, false};
  EXPECT_TRUE(is_stale(flow, now, {"192.168.77.1"}));
  EXPECT_FALSE(is_stale(flow, now, {})) << "a flow to somebody else";
  flow.translated = true;
  EXPECT_TRUE(is_stale(flow, now, {}));
}

}  // namespace
}  // namespace tiphys::proxy
