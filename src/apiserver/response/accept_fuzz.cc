// Accept and Content-Type headers: any text is understood or refused, never more.
#include "apiserver/response/negotiation.h"

using namespace tiphys;
using namespace tiphys::apiserver;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  AcceptScope scope;
  scope.table = scope.partial = true;
  (void)negotiate(text, scope);
  (void)negotiate_discovery(text);
  (void)accepted_types(text);
  (void)body_format(text);
  (void)accepts_gzip(text);
  return 0;
}
