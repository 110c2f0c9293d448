// Manifests of static pods: whatever stands in a file.
#include "kubelet/pods/static_pod.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tiphys::kubelet::StaticPodInput input;
  input.text = std::string(reinterpret_cast<const char*>(data), size);
  input.file = "/manifests/a.yaml";
  input.node_name = "node";
  auto pod = tiphys::kubelet::parse_static_pod(input);
  input.url = "http://here";
  (void)tiphys::kubelet::parse_static_pods(input);
  if (pod) (void)tiphys::kubelet::make_mirror_pod(**pod, "node", "uid");
  return 0;
}
