#include "kubelet/node/node_addresses.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

using Texts = std::vector<std::string>;

TEST(NodeAddresses, FollowTheFlag) {
  EXPECT_EQ(*parse_node_ips(""), Texts{});
  EXPECT_EQ(*parse_node_ips("1.2.3.4"), Texts{"1.2.3.4"});
  EXPECT_EQ(*parse_node_ips("fd00:0::1, 1.2.3.4"), (Texts{"fd00::1", "1.2.3.4"}));
  EXPECT_EQ(*parse_node_ips("x,1.2.3.4"), Texts{"1.2.3.4"});
  EXPECT_EQ(parse_node_ips("1.2.3.4,1.2.3.5").error().message(),
            "bad --node-ip \"1.2.3.4,1.2.3.5\": must contain either a single IP or a dual-stack "
            "pair of IPs");
  EXPECT_FALSE(parse_node_ips("1.2.3.4,fd00::1,fd00::2"));
  EXPECT_EQ(parse_node_ips("1.2.3.4,::").error().message(),
            "bad --node-ip \"1.2.3.4,::\": dual-stack node IP cannot include '0.0.0.0' or '::'");
}

TEST(NodeAddresses, OrderThoseOfPods) {
  Texts pod = {"fd00::9", "10.0.0.9", "10.0.0.10", "fd00::10"};
  EXPECT_EQ(order_pod_ips(pod, {}), (Texts{"10.0.0.9", "fd00::9"}));
  EXPECT_EQ(order_pod_ips(pod, {"1.2.3.4"}), (Texts{"10.0.0.9", "fd00::9"}));
  EXPECT_EQ(order_pod_ips(pod, {"fd00::1", "1.2.3.4"}), (Texts{"fd00::9", "10.0.0.9"}));
  EXPECT_EQ(order_pod_ips({"10.0.0.9"}, {"fd00::1"}), Texts{"10.0.0.9"});
}

}  // namespace
}  // namespace tiphys::kubelet
