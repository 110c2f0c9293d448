#include "os/netlink.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

namespace tiphys::os {
namespace {

TEST(BigEndian, ReadsWhatIsThere) {
  EXPECT_EQ(big_endian(""), 0u);
  EXPECT_EQ(big_endian(std::string_view("\x01\x02", 2)), 0x0102u);
  EXPECT_EQ(big_endian(std::string_view("\x80\0\0\0\0\0\0\x01zzz", 11)), 0x8000000000000001u);
}

TEST(Netlink, DumpsLinksWithLoopbackAmongThem) {
  Result<NetlinkSocket> socket = NetlinkSocket::open(NETLINK_ROUTE);
  ASSERT_TRUE(socket);
  ifinfomsg body{};
  NetlinkMessage message(RTM_GETLINK, NLM_F_DUMP, {reinterpret_cast<char*>(&body), sizeof body});
  std::vector<std::string> names;
  Result<void> done = socket->request(message, [&](const NetlinkReply& reply) {
    std::optional<std::string_view> name = reply.find(sizeof(ifinfomsg), IFLA_IFNAME);
    if (name) names.emplace_back(name->data());
  });
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_NE(std::find(names.begin(), names.end(), "lo"), names.end());
}

TEST(Netlink, RefusalIsAnErrorWithItsCause) {
  Result<NetlinkSocket> socket = NetlinkSocket::open(NETLINK_ROUTE);
  ASSERT_TRUE(socket);
  ifinfomsg body{};
  NetlinkMessage message(RTM_GETLINK, NLM_F_ACK, {reinterpret_cast<char*>(&body), sizeof body});
  message.add_text(IFLA_IFNAME, "no-such-link");
  Result<void> done = socket->request(message);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "netlink: No such device");
}

TEST(Netlink, MalformedAttributesEndTheWalk) {
  int calls = 0;
  auto count = [&](uint16_t, std::string_view) { ++calls; };
  for_each_attribute(std::string_view("\x03\x00\x01\x00", 4), count);   // shorter than its header
  for_each_attribute(std::string_view("\xff\x00\x01\x00", 4), count);   // longer than the list
  for_each_attribute(std::string_view("\x05\x00\x01\x00x", 5), count);  // unpadded end
  EXPECT_EQ(calls, 1);
}

TEST(Netlink, NestsCarryTheirLength) {
  NetlinkMessage message(1, 0, "");
  size_t nest = message.begin(7);
  message.add_be32(1, 5);
  message.end(nest);
  std::string bytes = message.bytes(1);
  NetlinkReply reply{0, std::string_view(bytes).substr(sizeof(nlmsghdr))};
  std::optional<std::string_view> inner = reply.find(0, 7);
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->size(), 8u);
  NetlinkReply nested{0, *inner};
  EXPECT_EQ(*nested.find(0, 1), std::string_view("\0\0\0\5", 4));
}

}  // namespace
}  // namespace tiphys::os
