// A server's discovery documents: resources or an error, never a crash.
#include "client/discovery.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiphys::client;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Discovered found;
  std::vector<GroupVersionToAsk> ask;
  (void)read_aggregated(text, found);
  (void)read_groups(text, ask, found);
  (void)read_resources(text, {"example.com", "v1", true}, found);
  (void)found.failure();
  return 0;
}
