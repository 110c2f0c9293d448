// Lines of CRI log files, which any container can write, and the query of a log request.
#include "kubelet/server/log_line.h"
#include "kubelet/server/log_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)tiphys::kubelet::parse_log_line(text);
  (void)tiphys::kubelet::parse_log_options(text, 0);
  return 0;
}
