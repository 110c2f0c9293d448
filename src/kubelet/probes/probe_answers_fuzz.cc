// What a container may answer to a probe: a health status over gRPC, a redirect over HTTP.
#include "kubelet/probes/grpc_health.h"
#include "kubelet/probes/http_action.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)tiphys::kubelet::health_check_status(text);
  tiphys::kubelet::HttpTarget from{false, "10.0.0.1", 8080, "/a/b", ""};
  if (auto to = tiphys::kubelet::follow_location(from, text)) (void)to->url();
  return 0;
}
