// Continue tokens: base64url of {"v":"meta.k8s.io/v1","rv":N,"start":"KEY"}, as upstream's
// storage.EncodeContinue. Tokens come back from clients and are hostile input. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tiphys::apiserver {

struct ContinueToken {
  int64_t revision = 0;  // negative: whatever is newest
  std::string start;     // first key of the next page, relative to the list's namespace
};
std::string encode_continue(const ContinueToken& token);
// Error: BadRequest "invalid continue token: continue key is not valid: ..."; keys that lead out of
// their namespace ("..") are none.
Result<ContinueToken> decode_continue(std::string_view text);

}  // namespace tiphys::apiserver
