#include "dns/upstream_answer.h"

#include <algorithm>

namespace tiphys::dns {

namespace {

constexpr size_t kRecordHeaderBytes = 10;
constexpr uint8_t kResponseBit = 0x80;
constexpr uint8_t kTruncatedBit = 0x02;
constexpr size_t kSoaFixedBytes = 20;
constexpr uint32_t kMaxTtl = 3600;  // of what is kept, as CoreDNS' cache
constexpr uint32_t kMaxNegativeTtl = 1800;
constexpr uint32_t kMaxToldTtl = INT32_MAX;  // RFC 2181, 8
constexpr size_t kMaxAliasesFollowed = 16;
constexpr uint32_t kFailureTtl = 5;  // SERVFAIL (RFC 2308, 7)

struct Record {
  Name owner;
  uint16_t type = 0;
  uint32_t ttl = 0;
  size_t start = 0;
  size_t ttl_offset = 0;
  size_t data = 0;
  size_t data_size = 0;
};

std::optional<Record> read_record(Bytes message, size_t& at) {
  Record record{.start = at};
  std::optional<Name> owner = Name::read(message, at, Compression::kFollowed);
  if (!owner || at + kRecordHeaderBytes > message.size()) return std::nullopt;
  record.owner = *owner;
  record.type = read16(message, at);
  record.ttl_offset = at + 4;
  record.ttl = read32(message, at + 4);
  // RFC 2181, 8: the highest bit makes it zero.
  if (record.ttl > INT32_MAX) record.ttl = 0;
  record.data_size = read16(message, at + 8);
  record.data = at + kRecordHeaderBytes;
  at = record.data + record.data_size;
  if (at > message.size()) return std::nullopt;
  return record;
}

// How long a negative answer counts: the lesser of the SOA's TTL and its minimum (RFC 2308, 5).
std::optional<uint32_t> negative_ttl(Bytes message, const Record& soa) {
  size_t at = soa.data;
  Bytes head = message.first(soa.data + soa.data_size);
  if (!Name::read(head, at, Compression::kFollowed)) return std::nullopt;
  if (!Name::read(head, at, Compression::kFollowed)) return std::nullopt;
  if (at + kSoaFixedBytes != head.size()) return std::nullopt;
  return std::min(soa.ttl, read32(message, at + 16));
}

bool answers(Bytes message, Bytes query_message, size_t question_bytes) {
  if (message.size() < kHeaderBytes + question_bytes) return false;
  bool header = read16(message, 0) == read16(query_message, 0) &&
                (message[2] & kResponseBit) != 0 && (message[2] >> 3 & 0x0F) == 0 &&
                read16(message, 4) == 1;
  if (!header) return false;
  size_t ours = kHeaderBytes;
  size_t theirs = kHeaderBytes;
  std::optional<Name> asked = Name::read(query_message, ours, Compression::kRefused);
  std::optional<Name> told = Name::read(message, theirs, Compression::kRefused);
  return asked && told && *asked == *told && ours == theirs &&
         read32(message, theirs) == read32(query_message, ours);
}

class AnswerReader {
 public:
  AnswerReader(Bytes message, uint16_t type) : message_(message), type_(type) {}

  bool read(size_t at, UpstreamAnswer& out) {
    size_t end = at;
    for (int section = 0; section < 3; ++section) {
      uint16_t count = read16(message_, static_cast<size_t>(6 + 2 * section));
      for (uint16_t i = 0; i < count; ++i) {
        std::optional<Record> record = read_record(message_, at);
        if (!record) return false;
        if (record->type == kTypeOpt || record->type == kTypeTsig) special_ = true;
        if (record->type == kTypeOpt) extended_ = static_cast<uint16_t>(record->ttl >> 24 << 4);
        if (special_) continue;
        keep(section, *record, out);
        end = at;
      }
    }
    if (at != message_.size()) return false;
    finish(end, out);
    return true;
  }

 private:
  void keep(int section, const Record& record, UpstreamAnswer& out) {
    ++counts_[section];
    out.ttl_offsets.push_back(static_cast<uint16_t>(record.ttl_offset));
    least_ = std::min(least_, record.ttl);
    if (section == 0 && (record.type == type_ || type_ == kTypeAny)) has_type_ = true;
    if (section == 1 && record.type == kTypeSoa && !negative_) {
      negative_ = negative_ttl(message_, record);
    }
  }

  void finish(size_t end, UpstreamAnswer& out) {
    out.message.assign(reinterpret_cast<const char*>(message_.data()), end);
    auto* head = reinterpret_cast<uint8_t*>(out.message.data());
    for (size_t i = 0; i < 3; ++i) write16(head + 6 + 2 * i, counts_[i]);
    out.rcode = static_cast<uint16_t>((message_[3] & 0x0F) | extended_);
    out.truncated = (message_[2] & kTruncatedBit) != 0;
    out.negative = out.rcode == kNxDomain || (out.rcode == kNoError && !has_type_);
    if (out.truncated) return;
    if (out.negative) {
      out.ttl = negative_ ? std::min({*negative_, least_, kMaxNegativeTtl}) : 0;
    } else if (out.rcode == kNoError) {
      out.ttl = std::min(least_, kMaxTtl);
    } else if (out.rcode == kServFail) {
      out.ttl = kFailureTtl;
    }
  }

  Bytes message_;
  uint16_t type_;
  bool special_ = false;  // OPT or TSIG came: they and what follows are not passed on
  uint16_t extended_ = 0;
  uint16_t counts_[3] = {};
  uint32_t least_ = UINT32_MAX;
  bool has_type_ = false;
  std::optional<uint32_t> negative_;
};

// The data of a record with its names written out; nothing: a type that may hold compressed names
// that we don't know.
std::optional<std::string> plain_data(Bytes message, const Record& record) {
  size_t fixed = 0;
  switch (record.type) {
    case kTypeA:
    case kTypeAaaa:
    case kTypeTxt:
      return std::string(reinterpret_cast<const char*>(message.data()) + record.data,
                         record.data_size);
    case kTypeMx:
      fixed = 2;
      break;
    case kTypeSrv:
      fixed = 6;
      break;
    case kTypeCname:
    case kTypeNs:
    case kTypePtr:
      break;
    default:
      return std::nullopt;
  }
  if (record.data_size <= fixed) return std::nullopt;
  size_t at = record.data + fixed;
  std::optional<Name> name = Name::read(message, at, Compression::kFollowed);
  if (!name) return std::nullopt;
  std::string out(reinterpret_cast<const char*>(message.data()) + record.data, fixed);
  return out.append(name->wire());
}

}  // namespace

std::string make_query(const Name& name, uint16_t type, uint16_t id, bool dnssec_ok) {
  std::string out(kHeaderBytes, '\0');
  auto* head = reinterpret_cast<uint8_t*>(out.data());
  write16(head, id);
  head[2] = 0x01;  // recursion desired
  write16(head + 4, 1);
  write16(head + 10, 1);
  out += name.wire();
  uint8_t tail[4 + kOptBytes] = {};
  write16(tail, type);
  write16(tail + 2, kClassIn);
  write16(tail + 5, kTypeOpt);
  write16(tail + 7, kEdnsUdpBytes);
  write32(tail + 9, dnssec_ok ? 0x8000U : 0U);
  return out.append(reinterpret_cast<const char*>(tail), sizeof tail);
}

std::optional<UpstreamAnswer> read_upstream_answer(Bytes message, Bytes query_message) {
  Query query;
  if (read_query(query_message, query) != Verdict::kGood) return std::nullopt;
  if (!answers(message, query_message, query.question_bytes)) return std::nullopt;
  UpstreamAnswer out;
  AnswerReader reader(message, query.type);
  if (!reader.read(kHeaderBytes + query.question_bytes, out)) return std::nullopt;
  return out;
}

size_t write_answer(const UpstreamAnswer& answer, uint32_t seconds, Bytes query_message,
                    const Query& query, size_t limit, std::span<uint8_t> out) {
  AnswerWriter writer(out, limit, query_message, query);
  size_t start = kHeaderBytes + query.question_bytes;
  Bytes message(reinterpret_cast<const uint8_t*>(answer.message.data()), answer.message.size());
  if (answer.truncated || !writer.append_records(message.subspan(start), message)) {
    writer.set_truncated();
    return writer.finish(answer.rcode);
  }
  for (uint16_t at : answer.ttl_offsets) {
    uint32_t ttl = std::min(read32(message, at), kMaxToldTtl);
    write32(out.data() + at, ttl > seconds ? ttl - seconds : 0);
  }
  return writer.finish(answer.rcode);
}

uint16_t append_answers(const std::string& text, uint16_t type, AnswerWriter& out) {
  Bytes message(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  if (message.size() < kHeaderBytes) return kServFail;
  size_t at = kHeaderBytes;
  std::optional<Name> asked = Name::read(message, at, Compression::kFollowed);
  if (!asked) return kServFail;
  std::vector<Name> chain = {*asked};
  at += 4;
  for (uint16_t i = read16(message, 6); i > 0; --i) {
    std::optional<Record> record = read_record(message, at);
    if (!record) return kServFail;
    if (record->type != type && record->type != kTypeCname) continue;
    if (std::ranges::find(chain, record->owner) == chain.end()) continue;
    std::optional<std::string> data = plain_data(message, *record);
    if (!data) continue;
    size_t target = record->data;
    if (record->type == kTypeCname && chain.size() <= kMaxAliasesFollowed) {
      chain.push_back(*Name::read(message, target, Compression::kFollowed));
    }
    size_t added =
        out.add(Section::kAnswer, record->owner.wire(), record->type, record->ttl, *data);
    if (added == 0) break;
  }
  return message[3] & 0x0F;
}

}  // namespace tiphys::dns
