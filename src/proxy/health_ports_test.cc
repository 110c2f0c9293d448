#include "proxy/health_ports.h"

#include <gtest/gtest.h>

namespace tiphys::proxy {
namespace {

TEST(HealthPorts, AreOnTheAddressesOfNodePorts) {
  const std::set<std::string> own = {"127.0.0.1", "10.42.0.1", "192.0.2.7", "::1", "fd00::7"};
  auto addresses = [&](std::vector<Cidr> ranges) { return node_port_addresses(own, ranges); };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(addresses({*Cidr::parse("192.0.2.0/24"), *Cidr::parse("fd01::/64")}),
            Texts{"192.0.2.7"});
  EXPECT_EQ(addresses({*Cidr::parse("192.0.2.0/24")}), (Texts{"192.0.2.7", "::1", "fd00::7"}))
      << "ranges of one family say nothing of the other";
}

}  // namespace
}  // namespace tiphys::proxy
