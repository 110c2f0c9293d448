#include "kinds/ip_address.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

TEST(IpAddress, ReadsWhatGoReads) {
  for (const char* text : {"1.2.3.4", "010.001.0.1", "::1", "2001:db8::ffff", "::ffff:1.2.3.4"}) {
    EXPECT_TRUE(parse_ip(text)) << text;
  }
  for (const char* text : {"", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1.2.3.-1", "1.2.3.+1", ":", "a",
                           "1.2.3.4 ", "1::2::3", "fe80::1%eth0"}) {
    EXPECT_FALSE(parse_ip(text)) << text;
  }
  EXPECT_FALSE(parse_ip(std::string(100, '1')));
  EXPECT_EQ(parse_ip("::ffff:1.2.3.4"), parse_ip("1.2.3.4"));
}

TEST(IpAddress, Ranges) {
  EXPECT_TRUE(parse_ip("127.9.9.9")->is_loopback());
  EXPECT_TRUE(parse_ip("::1")->is_loopback());
  EXPECT_TRUE(parse_ip("fe80::1")->is_link_local());
  EXPECT_TRUE(parse_ip("224.0.0.5")->is_link_local_multicast());
  EXPECT_TRUE(parse_ip("ff02::1")->is_link_local_multicast());
  EXPECT_TRUE(parse_ip("0.0.0.0")->is_unspecified());
  EXPECT_FALSE(parse_ip("10.0.0.1")->is_loopback());
}

TEST(IpAddress, CanonicalText) {
  EXPECT_EQ(canonical_text(*parse_ip("010.001.0.1")), "10.1.0.1");
  EXPECT_EQ(canonical_text(*parse_ip("::ffff:1.2.3.4")), "1.2.3.4");
  EXPECT_EQ(canonical_text(*parse_ip("2001:DB8:0:0:1:0:0:1")), "2001:db8::1:0:0:1");
  EXPECT_EQ(canonical_text(*parse_ip("::1.2.3.4")), "::102:304");
}

TEST(IpPrefix, Contains) {
  EXPECT_TRUE(contains(*parse_cidr("10.0.0.0/8"), *parse_ip("10.255.0.1")));
  EXPECT_FALSE(contains(*parse_cidr("10.0.0.0/8"), *parse_ip("11.0.0.1")));
  EXPECT_FALSE(contains(*parse_cidr("::/0"), *parse_ip("11.0.0.1")));
  EXPECT_TRUE(contains(*parse_cidr("fd00::8/125"), *parse_ip("fd00::f")));
}

TEST(IpPrefix, Limits) {
  EXPECT_EQ(parse_cidr("10.0.0.0/8")->bits, 8);
  EXPECT_TRUE(parse_cidr("10.0.0.0/32"));
  EXPECT_FALSE(parse_cidr("10.0.0.0/33"));
  EXPECT_TRUE(parse_cidr("fd00::/128"));
  EXPECT_FALSE(parse_cidr("fd00::/129"));
  for (const char* text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+1", "a/8"}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
}

}  // namespace
}  // namespace tiphys
