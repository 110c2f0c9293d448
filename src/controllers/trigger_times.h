// TriggerTimes: when that happened which a change of a Service's endpoints answers, for the
// annotation endpoints.kubernetes.io/last-change-trigger-time: the earliest of what is new since
// the last look, or the Service's creation at the first. Pure but for its memory; loop thread only.
// A pod that changes twice between two looks is told once, as upstream has it.
// Source: k8s.io/endpointslice/util (TriggerTimeTracker).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

class TriggerTimes {
 public:
  // Nothing: not known. `pods` are those that the Service selects.
  std::optional<MicroTime> look(const std::string& key, const core_v1::Service& service,
                                const std::vector<ObjectPtr>& pods);
  void forget(const std::string& key) { seen_.erase(key); }

 private:
  struct Seen {
    MicroTime service = 0;
    std::map<std::string, MicroTime, std::less<>> pods;  // by name: when they became (un)ready
  };
  std::map<std::string, Seen, std::less<>> seen_;  // by key of the Service
};

// Sets the annotation, or takes it away.
void put_trigger_time(meta_v1::ObjectMetaEdit meta, std::optional<MicroTime> time);

}  // namespace tiphys::controllers
