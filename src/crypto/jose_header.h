// Internal to crypto/: the header of a JWS, read by a strict reader of flat JSON objects, so that
// this folder needs no JSON codec. Anything nested, doubled or escaped in a name is refused, but
// for the names it doesn't use: their arrays and objects are skipped.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tiphys::crypto {

inline constexpr size_t kMaxJoseHeaderBytes = 8 * 1024;

struct JoseHeader {
  std::string algorithm;
  std::string key_id;
  bool critical = false;  // "crit" is present
};

std::optional<JoseHeader> parse_jose_header(std::string_view json);

}  // namespace tiphys::crypto
