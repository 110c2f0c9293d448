// Questions to other name servers and what they answer. Whatever they send is hostile until
// read_upstream_answer() has gone through all of it. Pure.
#pragma once
#include <string>
#include <vector>

#include "dns/answer_writer.h"

namespace tiphys::dns {

// A query with EDNS, recursion desired.
std::string make_query(const Name& name, uint16_t type, uint16_t id, bool dnssec_ok);

struct UpstreamAnswer {
  std::string message;                // without OPT and what stood behind it
  std::vector<uint16_t> ttl_offsets;  // where the records' TTLs stand
  uint16_t rcode = 0;
  bool truncated = false;
  uint32_t ttl = 0;       // for how many seconds it may be told again; 0: not at all
  bool negative = false;  // NXDOMAIN or no records of the type
};

// Nothing: it is malformed, or answers something else than `query` asked.
std::optional<UpstreamAnswer> read_upstream_answer(Bytes message, Bytes query_message);

// Writes an answer for a client that asked the same: its id, the letters' case of its question, its
// EDNS, TTLs less the seconds that passed; cut off behind the question (TC) if it is longer than
// `limit`. Returns the size. Requires: out holds `limit` bytes; limit >= 512.
size_t write_answer(const UpstreamAnswer& answer, uint32_t seconds, Bytes query_message,
                    const Query& query, size_t limit, std::span<uint8_t> out);

// Writes the aliases and the records of a type that an answer (one that was read before) has for
// its question's name, or for what that is an alias of, into another one; returns its error code.
uint16_t append_answers(const std::string& message, uint16_t type, AnswerWriter& out);

}  // namespace tiphys::dns
