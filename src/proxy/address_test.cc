#include "proxy/address.h"

#include <gtest/gtest.h>

namespace tiphys::proxy {
namespace {

TEST(Address, ParsesIntoCanonicalText) {
  EXPECT_EQ(Address::parse("10.43.0.1")->text(), "10.43.0.1");
  EXPECT_EQ(Address::parse("FD00::0:1")->text(), "fd00::1");
  EXPECT_EQ(Address::parse("10.43.000.017")->text(), "10.43.0.17") << "never 10.43.0.15";
  EXPECT_TRUE(Address::parse("0127.0.0.1")->is_forbidden_endpoint());
  for (std::string_view bad : {"", "10.43.0", "0256.0.0.1", "1.2.3.4/8", "fe80::1%eth0", "::g"}) {
    EXPECT_FALSE(Address::parse(bad)) << bad;
  }
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(Address, EndpointsNeverLieOnLoopbackOrLinkLocal) {
  for (std::string_view bad :
       {"127.0.0.1", "127.9.9.9", "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "febf::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.0.1"}) {
    EXPECT_TRUE(Address::parse(bad)->is_forbidden_endpoint()) << bad;
  }
  for (std::string_view good : {"10.42.0.5", "8.8.8.8", "fd00::1", "2001:db8::1"}) {
    EXPECT_FALSE(Address::parse(good)->is_forbidden_endpoint()) << good;
  }
}

TEST(Cidr, ContainsAndClearsHostBits) {
  Cidr pods = *Cidr::parse("10.42.3.7/20");
  EXPECT_EQ(pods.text(), "10.42.0.0/20");
  EXPECT_TRUE(pods.contains(*Address::parse("10.42.15.255")));
  EXPECT_FALSE(pods.contains(*Address::parse("10.42.16.0")));
  EXPECT_FALSE(pods.contains(*Address::parse("fd00::1")));
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(*Address::parse("9.9.9.9")));
  for (std::string_view bad : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "fd00::/129", "/8"}) {
    EXPECT_FALSE(Cidr::parse(bad)) << bad;
  }
}

TEST(Cidr, ListsDropNestedRanges) {
  std::vector<Cidr> cidrs = {*Cidr::parse("10.1.0.0/16"), *Cidr::parse("10.0.0.0/8"),
                             *Cidr::parse("fd00::/8"), *Cidr::parse("10.0.0.0/8"),
                             *Cidr::parse("192.0.2.0/24")};
  EXPECT_EQ(cidr_list(cidrs, Family::kIpv4), "10.0.0.0/8, 192.0.2.0/24");
  EXPECT_EQ(cidr_list(cidrs, Family::kIpv6), "fd00::/8");
}

}  // namespace
}  // namespace tiphys::proxy
