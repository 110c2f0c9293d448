#include <cstddef>
#include <cstdint>

#include "apiserver/validation/go_url.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto url = tiphys::apiserver::parse_go_url(text);
  if (url && url->host.size() + url->query.size() + url->fragment.size() > size) __builtin_trap();
  return 0;
}
