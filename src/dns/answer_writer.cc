#include "dns/answer_writer.h"

#include <cstring>

namespace tiphys::dns {

namespace {

constexpr uint8_t kResponse = 0x80;
constexpr uint8_t kAuthoritative = 0x04;
constexpr uint8_t kTruncated = 0x02;
constexpr uint8_t kRecursionDesired = 0x01;
constexpr uint8_t kRecursionAvailable = 0x80;
constexpr uint8_t kCheckingDisabled = 0x10;
constexpr size_t kFixedRecordBytes = 10;  // type, class, ttl, length

}  // namespace

AnswerWriter::AnswerWriter(std::span<uint8_t> out, size_t limit, Bytes query_message,
                           const Query& query)
    : out_(out), limit_(limit - (query.edns ? kOptBytes : 0)), query_(query) {
  size_ = kHeaderBytes + query.question_bytes;
  std::memcpy(out_.data(), query_message.data(), size_);
}

size_t AnswerWriter::add(Section section, std::string_view owner, uint16_t type, uint32_t ttl,
                         std::string_view data, std::string_view more_data) {
  size_t data_size = data.size() + more_data.size();
  size_t needed = owner.size() + kFixedRecordBytes + data_size;
  if (size_ + needed > limit_ || data_size > UINT16_MAX) {
    if (section != Section::kAdditional) truncated_ = true;
    return 0;
  }
  uint8_t* at = out_.data() + size_;
  std::memcpy(at, owner.data(), owner.size());
  at += owner.size();
  write16(at, type);
  write16(at + 2, kClassIn);
  write32(at + 4, ttl);
  write16(at + 8, static_cast<uint16_t>(data_size));
  std::memcpy(at + kFixedRecordBytes, data.data(), data.size());
  if (!more_data.empty()) {
    std::memcpy(at + kFixedRecordBytes + data.size(), more_data.data(), more_data.size());
  }
  ++counts_[static_cast<size_t>(section)];
  size_ += needed;
  return size_ - data_size;
}

size_t AnswerWriter::add_address(Section section, std::string_view owner, uint32_t ttl,
                                 const IpAddress& address) {
  std::string_view data(reinterpret_cast<const char*>(address.bytes.data()), address.v6 ? 16 : 4);
  return add(section, owner, address.v6 ? kTypeAaaa : kTypeA, ttl, data);
}

bool AnswerWriter::append_records(Bytes records, Bytes header) {
  if (size_ + records.size() > limit_) return false;
  if (!records.empty()) std::memcpy(out_.data() + size_, records.data(), records.size());
  size_ += records.size();
  for (size_t i = 0; i < 3; ++i) counts_[i] = read16(header, 6 + 2 * i);
  return true;
}

size_t AnswerWriter::finish(uint16_t rcode) {
  uint8_t* head = out_.data();
  write16(head, query_.id);
  head[2] = static_cast<uint8_t>(
      kResponse | query_.opcode << 3 | (authoritative_ ? kAuthoritative : 0) |
      (truncated_ ? kTruncated : 0) | (query_.recursion_desired ? kRecursionDesired : 0));
  head[3] = static_cast<uint8_t>(
      kRecursionAvailable | (query_.checking_disabled ? kCheckingDisabled : 0) | (rcode & 0x0F));
  write16(head + 4, query_.question_bytes == 0 ? 0 : 1);
  for (size_t i = 0; i < 3; ++i) write16(head + 6 + 2 * i, counts_[i]);
  if (!query_.edns) return size_;
  uint8_t* opt = head + size_;
  opt[0] = 0;  // the root
  write16(opt + 1, kTypeOpt);
  write16(opt + 3, kEdnsUdpBytes);
  write32(opt + 5, static_cast<uint32_t>(rcode >> 4) << 24 | (query_.dnssec_ok ? 0x8000U : 0U));
  write16(opt + 9, 0);
  write16(head + 10, static_cast<uint16_t>(counts_[2] + 1));
  return size_ + kOptBytes;
}

}  // namespace tiphys::dns
