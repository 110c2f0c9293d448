// Paths, ranges and dates that callers of /logs/ choose, and names that containers do.
#include "kubelet/server/file_serving.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiphys::kubelet;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr int64_t kSize = 1000;
  AskedRange range = asked_range(text, kSize);
  bool part = range.kind == AskedRange::Kind::kPart;
  if (part && (range.start < 0 || range.length < 0 || range.start + range.length > kSize)) abort();
  if (("/" + clean_path(text) + "/").find("/../") != std::string::npos) abort();
  (void)parse_http_date(text);
  (void)content_type_of(text, text);
  (void)listing_page({{std::string(text), true}});
  return 0;
}
