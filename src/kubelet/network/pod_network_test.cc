#include "kubelet/network/pod_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

using testing::HasSubstr;
using testing::Not;

PodNetwork network(std::string_view pods, std::string_view cluster) {
  return {"tiphys0", ranges_of(pods), ranges_of(cluster), "/data/cni"};
}

TEST(PodNetwork, ListsRanges) {
  EXPECT_EQ(ranges_of(""), std::vector<std::string>{});
  EXPECT_EQ(ranges_of("10.42.0.0/24, fd00:42::/64"),
            (std::vector<std::string>{"10.42.0.0/24", "fd00:42::/64"}));
}

TEST(PodNetwork, GivesPodsAnAddressOfEachFamily) {
  std::string text =
      cni_configuration(network("10.42.0.0/24,fd00:42::/64", "10.42.0.0/16,fd00:42::/56"));
  EXPECT_THAT(text,
              HasSubstr(R"("ranges":[[{"subnet":"10.42.0.0/24"}],[{"subnet":"fd00:42::/64"}]],)"));
  EXPECT_THAT(text, HasSubstr("net.ipv6.conf.eth0.accept_ra"));
  text = cni_configuration(network("10.42.0.0/24", "10.42.0.0/16"));
  EXPECT_THAT(text, HasSubstr(R"("ranges":[[{"subnet":"10.42.0.0/24"}]],)"));
  EXPECT_THAT(text, Not(HasSubstr("tuning")));
}

TEST(PodNetwork, MasqueradesEachFamily) {
  std::string rules =
      masquerade_rules(network("fd00:42::/64,10.42.0.0/24", "10.42.0.0/16,fd00:42::/56"));
  EXPECT_THAT(rules, HasSubstr("table ip tiphys_masq_tiphys0 {}"));
  EXPECT_THAT(rules, HasSubstr("ip saddr 10.42.0.0/24 ip daddr != 10.42.0.0/16 "
                               "ip daddr != 224.0.0.0/4 oifname != \"tiphys0\" masquerade"));
  EXPECT_THAT(rules, HasSubstr("table ip6 tiphys_masq_tiphys0 {}"));
  EXPECT_THAT(rules, HasSubstr("ip6 saddr fd00:42::/64 ip6 daddr != fd00:42::/56 "
                               "ip6 daddr != ff00::/8 oifname != \"tiphys0\" masquerade"));
  rules = masquerade_rules(network("10.42.0.0/24", ""));
  EXPECT_THAT(rules, HasSubstr("ip daddr != 10.42.0.0/24 "));
  EXPECT_THAT(rules, Not(HasSubstr("ip6")));
}

}  // namespace
}  // namespace tiphys::kubelet
