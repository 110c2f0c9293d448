// Query: what a client asks, read from a message (RFC 1035, 4.1; EDNS: RFC 6891). Pure.
#pragma once
#include "dns/name.h"

namespace tiphys::dns {

// What we know of the registry of https://www.iana.org/assignments/dns-parameters
enum Type : uint16_t {
  kTypeA = 1,
  kTypeNs = 2,
  kTypeCname = 5,
  kTypeSoa = 6,
  kTypePtr = 12,
  kTypeMx = 15,
  kTypeTxt = 16,
  kTypeAaaa = 28,
  kTypeSrv = 33,
  kTypeOpt = 41,
  kTypeTsig = 250,
  kTypeIxfr = 251,
  kTypeAxfr = 252,
  kTypeAny = 255,
};

enum Rcode : uint8_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kBadVers = 16,  // with EDNS only
};

inline constexpr uint16_t kClassIn = 1;
inline constexpr size_t kOptBytes = 11;        // of an OPT record without options
inline constexpr size_t kPlainUdpBytes = 512;  // without EDNS
inline constexpr size_t kEdnsUdpBytes = 1232;  // what passes unfragmented (DNS flag day 2020)
inline constexpr size_t kMaxMessageBytes = 65535;

struct Query {
  uint16_t id = 0;
  uint8_t opcode = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  Name name;
  uint16_t type = 0;
  uint16_t klass = 0;
  size_t question_bytes = 0;  // name, type and class as they are behind the header; 0: unread
  bool edns = false;
  bool dnssec_ok = false;
  uint16_t udp_bytes = kPlainUdpBytes;  // what the client takes over UDP, within our own limit
};

enum class Verdict : uint8_t {
  kGood,
  kSilence,  // no query at all: answering could start a loop
  kFormErr,  // only the header was read
  kNotImp,   // only the header was read
  kBadVers,  // an EDNS version that isn't ours
};

Verdict read_query(Bytes message, Query& query);

inline uint16_t read16(Bytes bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
inline uint32_t read32(Bytes bytes, size_t at) {
  return static_cast<uint32_t>(read16(bytes, at)) << 16 | read16(bytes, at + 2);
}
inline void write16(uint8_t* to, uint16_t value) {
  to[0] = static_cast<uint8_t>(value >> 8);
  to[1] = static_cast<uint8_t>(value);
}
inline void write32(uint8_t* to, uint32_t value) {
  write16(to, static_cast<uint16_t>(value >> 16));
  write16(to + 2, static_cast<uint16_t>(value));
}

}  // namespace tiphys::dns
