#include "proxy/nft_elements.h"

#include <gtest/gtest.h>

#include "proxy/nft.h"
#include "proxy/packet_network_test.h"

namespace tiphys::proxy {
namespace {

// A table with maps of every shape that the proxy has.
std::string empty_table(Family family) {
  std::string table = family == Family::kIpv4 ? "ip t" : "ip6 t";
  std::string address = family == Family::kIpv4 ? "ipv4_addr" : "ipv6_addr";
  std::string front = address + " . inet_proto . inet_service";
  return "add table " + table + "\nadd chain " + table + " spread-2\nadd chain " + table +
         " a-chain-with-a-long-name/tcp/http\nadd map " + table + " service-ips { type " + front +
         " : verdict; }\nadd map " + table +
         " nodeports { type inet_proto . inet_service : " + address +
         " . inet_service; }\nadd map " + table + " endpoints-0 { type " + front + " : " + address +
         " . inet_service; }\nadd set " + table + " cluster-ips { type " + address +
         "; }\nadd set " + table + " hairpin { type " + address + " . " + address + "; }\n";
}

Changes some_changes(const std::string& a, const std::string& b) {
  Changes changes;
  changes.added = {{"service-ips", a + " . tcp . 80", "goto spread-2"},
                   {"service-ips", a + " . sctp . 443", "goto a-chain-with-a-long-name/tcp/http"},
                   {"service-ips", b + " . udp . 65535", "drop"},
                   {"nodeports", "udp . 30053", b + " . 53"},
                   {"endpoints-0", a + " . tcp . 80", b + " . 8080"},
                   {"cluster-ips", a, ""},
                   {"hairpin", b + " . " + b, ""}};
  return changes;
}

std::string list() {
  auto result = os::run_command({"nft", "list", "ruleset"});
  return result ? result->out + result->err : "";
}

class NftElementsTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
  }
  bool v4() const { return GetParam() == Family::kIpv4; }
  std::string ref() const { return v4() ? "ip t" : "ip6 t"; }
  Changes changes() const {
    return v4() ? some_changes("10.43.0.5", "10.42.0.7") : some_changes("fd43::5", "fd42::7");
  }
};

TEST_P(NftElementsTest, TheKernelHoldsWhatNftWouldHaveMade) {
  PacketNetwork network(0);
  std::string by_nft, by_us, emptied;
  in_namespace(network.node(), [&] {
    ASSERT_TRUE(os::nft_apply(empty_table(GetParam()) + changes().text(ref())));
    by_nft = list();
    ASSERT_TRUE(os::nft_apply("flush ruleset\n" + empty_table(GetParam())));
    std::string empty = list();
    Result<void> done = apply_elements(*element_batch("t", GetParam(), changes()));
    ASSERT_TRUE(done) << done.error().message();
    by_us = list();
    Changes back;
    for (const ElementChange& c : changes().added) back.removed.push_back({c.map, c.key, ""});
    done = apply_elements(*element_batch("t", GetParam(), back));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(list(), empty);
  });
  EXPECT_EQ(by_us, by_nft);
  EXPECT_NE(by_us.find("goto spread-2"), std::string::npos) << by_us;
}

TEST_P(NftElementsTest, AnErrorLeavesEverythingAsItWas) {
  PacketNetwork network(0);
  in_namespace(network.node(), [&] {
    ASSERT_TRUE(os::nft_apply(empty_table(GetParam())));
    std::string before = list();
    for (ElementChange wrong : {ElementChange{"no-such-map", "tcp . 80", ""},
                                ElementChange{"service-ips", "tcp . 80", "goto spread-2"}}) {
      Changes bad = changes();
      bad.added.push_back(wrong);
      EXPECT_FALSE(apply_elements(*element_batch("t", GetParam(), bad)));
    }
    EXPECT_EQ(list(), before);
    Changes gone;
    gone.removed = {{"cluster-ips", v4() ? "10.43.0.9" : "fd43::9", ""}};
    EXPECT_FALSE(apply_elements(*element_batch("t", GetParam(), gone)));
  });
}

INSTANTIATE_TEST_SUITE_P(Families, NftElementsTest, testing::Values(Family::kIpv4, Family::kIpv6));

TEST(ElementBatch, OnlyElementsThatItUnderstandsAndNotTooMany) {
  Changes changes = some_changes("10.43.0.5", "10.42.0.7");
  EXPECT_TRUE(element_batch("t", Family::kIpv4, changes));
  EXPECT_FALSE(element_batch("t", Family::kIpv4, {}));
  for (const char* value : {"jump x", "10.42.0.7 . 70000", "10.42.0 . 80", "x"}) {
    Changes odd = changes;
    odd.added[4].value = value;
    EXPECT_FALSE(element_batch("t", Family::kIpv4, odd)) << value;
  }
  Changes chain = changes;
  chain.make = "add chain ip t x\n";
  EXPECT_FALSE(element_batch("t", Family::kIpv4, chain));
  while (element_batch("t", Family::kIpv4, changes) && changes.added.size() < 10000) {
    changes.added.insert(changes.added.end(), 100, changes.added[4]);
  }
  EXPECT_GT(changes.added.size(), 1000u);
  EXPECT_LT(changes.added.size(), 10000u);
}

TEST(ElementBatch, AFullBatchFitsTheSocket) {
  if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
  PacketNetwork network(0);
  Changes changes;
  std::optional<ElementBatch> batch, largest;
  for (int i = 0; i < 10000 && (i < 100 || largest); ++i) {
    std::string key = "10.43." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    changes.added.push_back({"endpoints-0", key + " . tcp . 80", "10.42.0.7 . 80"});
    if (i % 100 != 99) continue;
    batch = element_batch("t", Family::kIpv4, changes);
    if (!batch) break;
    largest = std::move(batch);
  }
  in_namespace(network.node(), [&] {
    ASSERT_TRUE(os::nft_apply(empty_table(Family::kIpv4)));
    Result<void> done = apply_elements(*largest);
    EXPECT_TRUE(done) << done.error().message();
  });
}

}  // namespace
}  // namespace tiphys::proxy
