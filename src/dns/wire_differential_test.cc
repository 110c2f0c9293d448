// Our own wire format against libldns: what we write it reads as the same records, what it writes
// (with compression everywhere) we read as the same.
#include <gtest/gtest.h>

#ifndef TIPHYS_LDNS
TEST(Differential, NeedsLibldns) { GTEST_SKIP() << "libldns-dev is not installed"; }
#else

#include "base/random.h"
#include "dns/dns_text_test.h"
#include "dns/ldns_text_test.h"
#include "dns/responder.h"
#include "dns/sample_records_test.h"
#include "dns/upstream_answer.h"

namespace tiphys::dns {
namespace {

constexpr uint16_t kTypes[] = {kTypeA,   kTypeAaaa, kTypeSrv, kTypePtr, kTypeTxt,
                               kTypeSoa, kTypeNs,   kTypeMx,  kTypeAny, kTypeCname};

void expect_same(Bytes message, const std::string& what) {
  LdnsPacket packet = ldns_read(message);
  ASSERT_TRUE(packet) << what << ": ldns can't read it: " << message_text(message);
  EXPECT_EQ(ldns_text(packet.get()), message_text(message)) << what;
}

class Differential : public testing::Test {
 protected:
  void answers_to(const std::string& query, size_t limit, const std::string& what) {
    Query read;
    ASSERT_EQ(read_query(bytes_of(query), read), Verdict::kGood) << what;
    std::vector<uint8_t> room(limit);
    AnswerWriter writer(room, limit, bytes_of(query), read);
    Responder::Answer answer = responder_.respond(read, writer);
    room.resize(writer.finish(answer.rcode));
    expect_same(room, what);
    LdnsPacket packet = ldns_read(room);
    EXPECT_EQ(ldns_pkt_id(packet.get()), read.id);
    EXPECT_TRUE(ldns_pkt_qr(packet.get()));
  }

  std::string any_label() {
    std::string out(1 + random_.next() % 20, '\0');
    for (char& c : out) c = static_cast<char>(random_.next());
    return out;
  }
  // Any bytes but a dot, which text can't hold.
  Name any_name() {
    std::string text;
    for (uint64_t i = random_.next() % 5; i > 0; --i) text += any_label() + ".";
    std::optional<Name> name = Name::from_text(text);
    return name ? *name : *Name::from_text("a.b");
  }

  SeededRandom random_{1};
  Records records_{*Name::from_text("cluster.local")};
  Responder responder_{records_};
};

TEST_F(Differential, AnswersOfTheCluster) {
  for (uint32_t endpoints : {0U, 1U, 3U, 250U}) {
    add_samples(records_, endpoints);
    auto out = std::make_unique<ServiceRecords>();
    out->kind = ServiceRecords::Kind::kExternalName;
    out->key = "out.default";
    out->external_name = Name::from_text("web.default.svc.cluster.local");
    records_.set(std::move(out));
    responder_.set_ranges({*parse_cidr("10.0.0.0/8")});
    for (const char* name :
         {"web.default.svc", "pets.default.svc", "_http._tcp.web.default.svc", "out.default.svc",
          "_http._tcp.pets.default.svc", "host-0.pets.default.svc", "nobody.default.svc",
          "1-2-3-4.default.pod", "dns-version", "default.svc", "ns.dns"}) {
      std::string whole = std::string(name) + ".cluster.local";
      for (uint16_t type : kTypes) {
        Name asked = *Name::from_text(whole);
        std::string what = whole + " " + std::to_string(type);
        answers_to(make_query(asked, type, 77, false), kMaxMessageBytes, what);
        answers_to(make_query(asked, type, 78, true), kEdnsUdpBytes, what);
        answers_to(plain_query(whole, type, 79), kPlainUdpBytes, what);
      }
    }
    answers_to(plain_query("cluster.local", kTypeSoa), 512, "apex");
    answers_to(plain_query("0.0.0.10.in-addr.arpa", kTypePtr), 512, "reverse");
    answers_to(plain_query("9.9.9.10.in-addr.arpa", kTypePtr), 512, "reverse of nobody");
  }
}

TEST_F(Differential, TheZonesSoa) {
  responder_.set_serial(42);
  std::string query = plain_query("cluster.local", kTypeSoa);
  Query read;
  ASSERT_EQ(read_query(bytes_of(query), read), Verdict::kGood);
  std::vector<uint8_t> room(512);
  AnswerWriter writer(room, 512, bytes_of(query), read);
  responder_.respond(read, writer);
  room.resize(writer.finish(kNoError));
  LdnsPacket packet = ldns_read(room);
  ASSERT_TRUE(packet);
  char* text = ldns_rr2str(ldns_rr_list_rr(ldns_pkt_answer(packet.get()), 0));
  EXPECT_STREQ(text,
               "cluster.local.\t5\tIN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local. "
               "42 7200 1800 86400 5\n");
  std::free(text);
}

// Names of any bytes, records of many types, every limit.
TEST_F(Differential, WhateverIsWritten) {
  for (int round = 0; round < 600; ++round) {
    Name asked = any_name();
    auto id = static_cast<uint16_t>(random_.next());
    std::string query = make_query(asked, kTypeA, id, random_.next() % 2 == 0);
    Query read;
    ASSERT_EQ(read_query(bytes_of(query), read), Verdict::kGood);
    size_t limit = kPlainUdpBytes + random_.next() % 1500;
    std::vector<uint8_t> room(limit);
    AnswerWriter writer(room, limit, bytes_of(query), read);
    size_t place = 0;
    for (uint64_t i = 0; i < 40 && !writer.truncated(); ++i) {
      auto section = static_cast<Section>(i / 15);
      Name owner = any_name();
      Pointer question = AnswerWriter::question();
      std::string_view by = question.view();
      Pointer earlier = AnswerWriter::to(place);
      if (random_.next() % 2 == 0) by = owner.wire();
      if (random_.next() % 3 == 0 && place != 0) by = earlier.view();
      auto ttl = static_cast<uint32_t>(random_.next() & INT32_MAX);
      switch (random_.next() % 4) {
        case 0:
          writer.add_address(section, by, ttl, {.bytes = {10, 0, 0, 1}, .v6 = i % 2 == 0});
          break;
        case 1:
          place = writer.add(section, by, kTypeCname, ttl, any_name().wire());
          break;
        case 2:
          place = writer.add(section, by, kTypeSrv, ttl, std::string(6, '\1'), any_name().wire());
          if (place != 0) place += 6;
          break;
        default:
          place = writer.add(section, by, kTypePtr, ttl, AnswerWriter::question().view());
      }
    }
    room.resize(writer.finish(round % 2 == 0 ? kNoError : kNxDomain));
    expect_same(room, "round " + std::to_string(round));
    if (HasFailure()) return;
  }
}

// ldns compresses each name of its messages; we read the records that it was given, and what we
// make of them for a client ldns reads the same again.
TEST_F(Differential, WhatLdnsWritesIsReadAndRelayed) {
  const char* zone[] = {"www.example. 300 IN CNAME www.other.example.",
                        "www.other.example. 300 IN A 192.0.2.1",
                        "www.other.example. 300 IN AAAA 2001:db8::1",
                        "example. 60 IN NS ns.example.",
                        "_a._tcp.www.example. 5 IN SRV 1 2 3 www.other.example.",
                        "www.example. 5 IN MX 10 mail.www.example.",
                        "www.example. 7 IN TXT \"a text\""};
  for (unsigned chosen = 1; chosen < 1U << std::size(zone); ++chosen) {
    std::string query = make_query(*Name::from_text("www.example"), kTypeA, 5, false);
    LdnsPacket packet = ldns_read(bytes_of(query));
    ldns_pkt_set_qr(packet.get(), true);
    for (size_t i = 0; i < std::size(zone); ++i) {
      ldns_rr* record = nullptr;
      if ((chosen >> i & 1) == 0) continue;
      ASSERT_EQ(ldns_rr_new_frm_str(&record, zone[i], 0, nullptr, nullptr), LDNS_STATUS_OK);
      ldns_pkt_push_rr(packet.get(), i == 3 ? LDNS_SECTION_AUTHORITY : LDNS_SECTION_ANSWER, record);
    }
    uint8_t* wire = nullptr;
    size_t size = 0;
    ASSERT_EQ(ldns_pkt2wire(&wire, packet.get(), &size), LDNS_STATUS_OK);
    Bytes message(wire, size);
    std::optional<UpstreamAnswer> answer = read_upstream_answer(message, bytes_of(query));
    ASSERT_TRUE(answer) << chosen;
    Query read;
    ASSERT_EQ(read_query(bytes_of(query), read), Verdict::kGood);
    std::vector<uint8_t> room(kEdnsUdpBytes);
    room.resize(write_answer(*answer, 0, bytes_of(query), read, kEdnsUdpBytes, room));
    std::string told = ldns_text(packet.get());
    EXPECT_EQ(ldns_text(ldns_read(room).get()), told);
    std::free(wire);
  }
}

TEST_F(Differential, OurQuestionsAreLdnsToo) {
  for (int round = 0; round < 500; ++round) {
    Name asked = any_name();
    std::string query = make_query(asked, kTypeSrv, 9, round % 2 == 0);
    LdnsPacket packet = ldns_read(bytes_of(query));
    ASSERT_TRUE(packet);
    const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(packet.get()), 0);
    EXPECT_EQ(ldns_text(ldns_rr_owner(question)), asked.text());
    EXPECT_EQ(ldns_pkt_edns_udp_size(packet.get()), kEdnsUdpBytes);
    EXPECT_EQ(ldns_pkt_edns_do(packet.get()), round % 2 == 0);
  }
}

}  // namespace
}  // namespace tiphys::dns
#endif
