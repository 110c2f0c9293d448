// A kubelet's metrics: any text is read or refused; what is read is complete.
#include <cstdlib>

#include "apiserver/resource_metrics/kubelet_metrics.h"

using namespace tiphys;
using namespace tiphys::apiserver;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Result<NodePoints> points = parse_kubelet_metrics(text, 1);
  if (!points) return 0;
  auto check = [](const UsagePoint& point) {
    if (point.time <= 0 || point.cpu_ns <= 0 || point.memory_bytes <= 0) abort();
    if (point.started < 0) abort();
  };
  if (points->node) check(*points->node);
  for (const auto& [pod, containers] : points->pods) {
    for (const auto& [name, point] : containers) check(point);
  }
  return 0;
}
