#include "dns/query.h"

#include <gtest/gtest.h>

#include "dns/dns_text_test.h"
#include "dns/upstream_answer.h"

namespace tiphys::dns {
namespace {

Verdict verdict(const std::string& message) {
  Query query;
  return read_query(bytes_of(message), query);
}

TEST(Name, TextAndBack) {
  EXPECT_EQ(Name::from_text("Www.Example.COM")->text(), "www.example.com.");
  EXPECT_EQ(Name::from_text("")->text(), ".");
  EXPECT_FALSE(Name::from_text("a..b"));
  EXPECT_FALSE(Name::from_text(std::string(64, 'a')));
  EXPECT_TRUE(Name::from_text(std::string(63, 'a')));
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  EXPECT_EQ(Name::from_text(longest)->wire().size(), kMaxNameBytes);
  EXPECT_FALSE(Name::from_text(longest + "a"));
  EXPECT_TRUE(Name::from_text("a.b.c")->is_below_or_at(*Name::from_text("b.c")));
  EXPECT_FALSE(Name::from_text("ab.c")->is_below_or_at(*Name::from_text("b.c")));
}

TEST(Name, PointersLeadBackwardsOnly) {
  std::string message(kHeaderBytes, '\0');
  message +=
      {'\1', 'a', '\0', '\1', 'b', '\xC0', '\x0C', '\xC0', '\x13', '\xC0', '\x17', '\xC0', '\0'};
  size_t at = 15;
  EXPECT_EQ(Name::read(bytes_of(message), at, Compression::kFollowed)->text(), "b.a.");
  EXPECT_EQ(at, 19u);
  // Itself, forwards, into the header.
  for (size_t bad : {19u, 21u, 23u}) {
    at = bad;
    EXPECT_FALSE(Name::read(bytes_of(message), at, Compression::kFollowed)) << bad;
  }
  at = 15;
  EXPECT_FALSE(Name::read(bytes_of(message), at, Compression::kRefused));
}

TEST(ReadQuery, GoodAndBadOnes) {
  std::string good = plain_query("a.b", kTypeA);
  EXPECT_EQ(verdict(good), Verdict::kGood);
  EXPECT_EQ(verdict(make_query(*Name::from_text("a.b"), kTypeA, 1, true)), Verdict::kGood);
  EXPECT_EQ(verdict(good.substr(0, 11)), Verdict::kSilence);
  EXPECT_EQ(verdict(good + "x"), Verdict::kFormErr);
  EXPECT_EQ(verdict(good.substr(0, good.size() - 1)), Verdict::kFormErr);
  std::string changed = good;
  changed[2] = '\x81';  // an answer
  EXPECT_EQ(verdict(changed), Verdict::kSilence);
  changed[2] = 0x28;  // an update
  EXPECT_EQ(verdict(changed), Verdict::kNotImp);
  changed = good;
  changed[5] = 2;  // questions
  EXPECT_EQ(verdict(changed), Verdict::kFormErr);
  changed = good;
  changed[7] = 1;  // answers
  EXPECT_EQ(verdict(changed), Verdict::kFormErr);
}

TEST(ReadQuery, Edns) {
  std::string message = make_query(*Name::from_text("a.b"), kTypeA, 1, true);
  Query query;
  ASSERT_EQ(read_query(bytes_of(message), query), Verdict::kGood);
  EXPECT_TRUE(query.edns && query.dnssec_ok);
  EXPECT_EQ(query.udp_bytes, kEdnsUdpBytes);
  std::string version = message;
  version[version.size() - 5] = 1;
  EXPECT_EQ(verdict(version), Verdict::kBadVers);
  std::string two = message + message.substr(message.size() - kOptBytes);
  two[11] = 2;
  EXPECT_EQ(verdict(two), Verdict::kFormErr);
  std::string small = message;
  small[small.size() - 8] = 0;  // takes 208 bytes, it says
  query = {};
  ASSERT_EQ(read_query(bytes_of(small), query), Verdict::kGood);
  EXPECT_EQ(query.udp_bytes, kPlainUdpBytes);
}

}  // namespace
}  // namespace tiphys::dns
