// Continue tokens: what decodes is clean, and encodes to a token that decodes to the same.
#include <cstdlib>

#include "apiserver/handlers/continue_token.h"

using namespace tiphys;
using namespace tiphys::apiserver;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto token = decode_continue({reinterpret_cast<const char*>(data), size});
  if (!token) return 0;
  if (("/" + token->start + "/").find("/../") != std::string::npos) abort();
  auto again = decode_continue(encode_continue(*token));
  if (!again || again->start != token->start || again->revision != token->revision) abort();
  return 0;
}
