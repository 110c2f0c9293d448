// AnswerWriter: writes the answer to one query into a buffer. What doesn't fit is left out; the TC
// bit then tells the client to ask over TCP (RFC 2181, 9). Pure; no allocations.
#pragma once
#include "dns/query.h"
#include "kinds/ip_address.h"

namespace tiphys::dns {

enum class Section : uint8_t { kAnswer, kAuthority, kAdditional };

// A name that stands elsewhere in the same message (RFC 1035, 4.1.4).
struct Pointer {
  char bytes[2];
  std::string_view view() const { return {bytes, 2}; }
};

class AnswerWriter {
 public:
  // `query_message` is the message that the query was read from; `limit` what the client takes
  // and `out` can hold. Requires: limit >= 512 and out.size() >= limit.
  AnswerWriter(std::span<uint8_t> out, size_t limit, Bytes query_message, const Query& query);

  // Pointers to the question's name, from one of its labels on, and to what stands at an offset.
  static Pointer question(size_t offset = 0) { return to(kHeaderBytes + offset); }
  static Pointer to(size_t offset) {
    return {static_cast<char>(0xC0 | offset >> 8), static_cast<char>(offset & 0xFF)};
  }
  static bool can_point_to(size_t offset) { return offset < 0x4000; }

  // One record. `owner`: a name in wire form or a pointer. The data is the concatenation of both
  // parts. Returns where the data begins, 0 if it doesn't fit.
  size_t add(Section section, std::string_view owner, uint16_t type, uint32_t ttl,
             std::string_view data, std::string_view more_data = {});
  size_t add_address(Section section, std::string_view owner, uint32_t ttl,
                     const IpAddress& address);

  // All records of another answer to the same question, as they stand there behind it; the header
  // tells how many. False: they don't fit.
  bool append_records(Bytes records, Bytes header);

  void set_authoritative() { authoritative_ = true; }
  void set_truncated() { truncated_ = true; }
  bool truncated() const { return truncated_; }
  size_t answers() const { return counts_[0]; }
  // Header and OPT; returns the size of the message. Called once, at the end.
  size_t finish(uint16_t rcode);

 private:
  std::span<uint8_t> out_;
  size_t limit_;
  size_t size_ = 0;
  const Query& query_;
  uint16_t counts_[3] = {};
  bool authoritative_ = false;
  bool truncated_ = false;
};

}  // namespace tiphys::dns
