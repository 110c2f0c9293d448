// process_* of this process, as Prometheus' clients have them. Reads small files of /proc.
#pragma once
#include <string>

namespace tiphys::kubelet {

std::string process_metrics_text();

}  // namespace tiphys::kubelet
