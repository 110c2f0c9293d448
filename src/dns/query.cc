#include "dns/query.h"

#include <algorithm>

namespace tiphys::dns {

namespace {

constexpr uint8_t kResponseBit = 0x80;
constexpr uint16_t kDnssecOkBit = 0x8000;
constexpr uint16_t kMaxAdditional = 2;  // OPT and TSIG
constexpr size_t kRecordHeaderBytes = 10;

// The additional section of a query: at most one OPT; anything else is passed over.
Verdict read_additional(Bytes message, size_t at, uint16_t count, Query& query) {
  Verdict verdict = Verdict::kGood;
  for (uint16_t i = 0; i < count; ++i) {
    std::optional<Name> owner = Name::read(message, at, Compression::kFollowed);
    if (!owner || at + kRecordHeaderBytes > message.size()) return Verdict::kFormErr;
    uint16_t type = read16(message, at);
    uint16_t klass = read16(message, at + 2);
    uint32_t extended = read32(message, at + 4);
    at += kRecordHeaderBytes + read16(message, at + 8);
    if (at > message.size()) return Verdict::kFormErr;
    if (type != kTypeOpt) continue;
    if (query.edns || owner->label_count() != 0) return Verdict::kFormErr;
    query.edns = true;
    query.dnssec_ok = (extended & kDnssecOkBit) != 0;
    query.udp_bytes =
        static_cast<uint16_t>(std::clamp<size_t>(klass, kPlainUdpBytes, kEdnsUdpBytes));
    if ((extended >> 16 & 0xFF) != 0) verdict = Verdict::kBadVers;
  }
  return at == message.size() ? verdict : Verdict::kFormErr;
}

}  // namespace

Verdict read_query(Bytes message, Query& query) {
  if (message.size() < kHeaderBytes || (message[2] & kResponseBit) != 0) return Verdict::kSilence;
  query.id = read16(message, 0);
  query.opcode = message[2] >> 3 & 0x0F;
  query.recursion_desired = (message[2] & 0x01) != 0;
  query.checking_disabled = (message[3] & 0x10) != 0;
  if (query.opcode != 0) return Verdict::kNotImp;
  bool one_question = read16(message, 4) == 1 && read16(message, 6) == 0 && read16(message, 8) == 0;
  uint16_t additional = read16(message, 10);
  if (!one_question || additional > kMaxAdditional) return Verdict::kFormErr;
  size_t at = kHeaderBytes;
  std::optional<Name> name = Name::read(message, at, Compression::kRefused);
  if (!name || at + 4 > message.size()) return Verdict::kFormErr;
  query.name = *name;
  query.type = read16(message, at);
  query.klass = read16(message, at + 2);
  at += 4;
  size_t question_bytes = at - kHeaderBytes;
  Verdict verdict = read_additional(message, at, additional, query);
  if (verdict != Verdict::kFormErr) query.question_bytes = question_bytes;
  return verdict;
}

}  // namespace tiphys::dns
