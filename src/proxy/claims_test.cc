#include "proxy/claims.h"

#include <gtest/gtest.h>

namespace tiphys::proxy {
namespace {

ServiceFacts service(const char* ip, uint16_t node_port) {
  ServiceFacts facts;
  facts.cluster_ips = {*Address::parse(ip)};
  facts.ports = {{.protocol = "tcp", .port = 80, .node_port = node_port}};
  return facts;
}

TEST(Claims, TellsOfEachConflictOnce) {
  Claims claims;
  ServiceFacts web = service("10.43.0.5", 30080), zoo = service("10.43.0.6", 30080);
  claims.set("default/zoo", &zoo);
  EXPECT_TRUE(claims.take_new().empty());
  claims.set("default/web", &web);
  std::vector<Claims::Conflict> conflicts = claims.take_new();
  ASSERT_EQ(conflicts.size(), 1u);
  EXPECT_EQ(conflicts[0], (Claims::Conflict{"node port 30080/tcp", "default/web", "default/zoo"}));
  claims.set("default/web", &web);
  EXPECT_TRUE(claims.take_new().empty());
  claims.set("default/web", nullptr);
  EXPECT_TRUE(claims.take_new().empty());
  claims.set("default/web", &web);
  EXPECT_EQ(claims.take_new().size(), 1u) << "again";
}

TEST(Claims, AClusterIpIsStrongerThanAnExternalAddress) {
  Claims claims;
  ServiceFacts web = service("10.43.0.5", 0), thief = service("10.43.0.6", 0);
  thief.external_ips = {*Address::parse("10.43.0.5")};
  claims.set("default/a-thief", &thief);
  claims.set("default/web", &web);
  EXPECT_EQ(claims.take_new(), (std::vector<Claims::Conflict>{{"address 10.43.0.5 port 80/tcp",
                                                               "default/web", "default/a-thief"}}));
}

}  // namespace
}  // namespace tiphys::proxy
