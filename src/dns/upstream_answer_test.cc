// What other servers say, good and hostile.
#include "dns/upstream_answer.h"

#include <gtest/gtest.h>

#include "dns/dns_text_test.h"

namespace tiphys::dns {
namespace {

struct Told {
  Section section = Section::kAnswer;
  std::string owner;
  uint16_t type = kTypeA;
  uint32_t ttl = 300;
  std::string data;
};

std::string v4(uint8_t last) { return {'\xC0', '\0', '\2', static_cast<char>(last)}; }
std::string wire(std::string_view name) { return std::string(Name::from_text(name)->wire()); }

std::string question(std::string_view name = "www.example", uint16_t type = kTypeA) {
  return make_query(*Name::from_text(name), type, 7, false);
}

std::string answer_of(const std::string& query, const std::vector<Told>& records) {
  Query read;
  EXPECT_EQ(read_query(bytes_of(query), read), Verdict::kGood);
  std::string out(kMaxMessageBytes, '\0');
  std::span<uint8_t> room(reinterpret_cast<uint8_t*>(out.data()), out.size());
  AnswerWriter writer(room, out.size(), bytes_of(query), read);
  for (const Told& one : records) {
    writer.add(one.section, wire(one.owner), one.type, one.ttl, one.data);
  }
  out.resize(writer.finish(kNoError));
  return out;
}

std::optional<UpstreamAnswer> read(const std::string& message) {
  std::string asked = question();
  return read_upstream_answer(bytes_of(message), bytes_of(asked));
}

TEST(UpstreamAnswer, AnswersToSomethingElseAreNotBelieved) {
  std::string good = answer_of(question(), {{.owner = "www.example", .data = v4(1)}});
  EXPECT_TRUE(read(good));
  EXPECT_TRUE(read(answer_of(question("WWW.Example"), {})));
  EXPECT_FALSE(read(answer_of(question("bank.example"), {})));
  EXPECT_FALSE(read(answer_of(question("www.example", kTypeAaaa), {})));
  for (auto [place, value] : std::vector<std::pair<size_t, char>>{
           {0, 1},                     // another id
           {1, 8},                     //
           {2, 0},                     // a query
           {2, '\xA8'},                // another kind of message
           {5, 0},                     // no question
           {5, 2},                     // two of them
           {kHeaderBytes, '\xC0'},     // the question's name is a pointer
           {kHeaderBytes + 16, 3}}) {  // another class
    std::string bad = good;
    bad[place] = value;
    EXPECT_FALSE(read(bad)) << place;
  }
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(read(good.substr(0, size)));
  EXPECT_FALSE(read(good + "x"));
}

TEST(UpstreamAnswer, HowLongItMayBeKept) {
  auto ttl = [](std::vector<uint32_t> ttls) {
    std::vector<Told> records;
    for (uint32_t one : ttls)
      records.push_back({.owner = "www.example", .ttl = one, .data = v4(1)});
    return read(answer_of(question(), records))->ttl;
  };
  EXPECT_EQ(ttl({300, 20}), 20u);
  EXPECT_EQ(ttl({300, 0}), 0u);
  EXPECT_EQ(ttl({INT32_MAX}), 3600u);
  EXPECT_EQ(ttl({0x80000000U}), 0u) << "RFC 2181, 8";
  EXPECT_EQ(ttl({UINT32_MAX, 300}), 0u);
}

// Names of the cluster, of others, or of nobody: they come with the answer and mean nothing.
TEST(UpstreamAnswer, AnAliasBringsOnlyItsOwnRecords) {
  std::string alias = plain_query("out.default.svc.cluster.local", kTypeA);
  Query query;
  ASSERT_EQ(read_query(bytes_of(alias), query), Verdict::kGood);
  std::vector<uint8_t> room(kMaxMessageBytes);
  AnswerWriter writer(room, room.size(), bytes_of(alias), query);
  std::string told = answer_of(
      question(), {{.owner = "kubernetes.default.svc.cluster.local", .data = v4(66)},
                   {.owner = "www.example", .type = kTypeCname, .data = wire("cdn.example")},
                   {.owner = "bank.example", .type = kTypeCname, .data = wire("evil.example")},
                   {.owner = "evil.example", .data = v4(66)},
                   {.owner = "cdn.example", .data = v4(1)},
                   {.section = Section::kAuthority, .owner = "cdn.example", .data = v4(66)}});
  EXPECT_EQ(append_answers(told, kTypeA, writer), kNoError);
  room.resize(writer.finish(kNoError));
  EXPECT_EQ(message_text(room),
            "NOERROR\nwww.example. 300 CNAME cdn.example.\ncdn.example. 300 A 192.0.2.1\n");
}

// A chain of pointers that is longer than any server needs, and loops of all kinds.
TEST(UpstreamAnswer, CompressionThatGoesOnAndOn) {
  std::string message = answer_of(question(), {{.owner = "", .data = std::string(200, '\0')}});
  size_t data = message.size() - kOptBytes - 200;
  auto with_chain = [&](size_t length) {
    std::string out = message;
    // Each pointer leads to the one before; the first to the question's name.
    for (size_t i = 0; i < length; ++i) {
      size_t target = i == 0 ? kHeaderBytes : data + 2 * (i - 1);
      write16(reinterpret_cast<uint8_t*>(out.data()) + data + 2 * i,
              static_cast<uint16_t>(0xC000 | target));
    }
    size_t at = data + 2 * (length - 1);
    return Name::read(bytes_of(out), at, Compression::kFollowed);
  };
  EXPECT_EQ(with_chain(kMaxPointers)->text(), "www.example.");
  EXPECT_FALSE(with_chain(kMaxPointers + 1));
}

}  // namespace
}  // namespace tiphys::dns
