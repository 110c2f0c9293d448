// PodSummary: the one word that `kubectl get pods` shows for a pod, its ready count and restarts.
// Source: printPod of upstream's pkg/printers/internalversion. Pure.
#pragma once
#include <string>

#include "base/time.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

struct PodSummary {
  std::string status;
  int ready = 0;
  int total = 0;
  int64_t restarts = 0;
  MicroTime last_restart = 0;  // 0: none known
};

PodSummary summarize_pod(core_v1::Pod pod);

}  // namespace tiphys::apiserver
