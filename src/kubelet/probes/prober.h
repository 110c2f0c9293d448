// Prober: runs the probes of a pod's running containers and keeps what they say. After upstream's
// pkg/kubelet/prober.
//
// Loop thread only. One task a probe; a container's tasks end with it. Liveness and readiness begin
// when the startup probe has passed; startup and liveness end when they have failed for good, and
// when the pod ends. Results are level: the callback says only that something changed.
#pragma once
#include <functional>
#include <map>
#include <set>

#include "async/gate.h"
#include "kubelet/pods/plan.h"
#include "kubelet/probes/handler.h"

namespace tiphys::kubelet {

class Prober {
 public:
  using Record = std::function<void(std::string_view type, std::string_view reason,
                                    const std::string& message, const std::string& container)>;
  // `states` is written by the prober: by container id. All references outlive it.
  Prober(HandlerHost host, std::map<std::string, ProbeState>& states, std::function<void()> changed,
         Record record);
  Task<void> stop();
  // Starts what runs unwatched, except containers in `starting` (ids; their postStart hook runs);
  // ends what no longer runs. `ending`: the pod ends, only readiness still counts.
  void update(ObjectPtr pod, const PodRuntime& runtime, const std::set<std::string>& starting,
              bool ending);

 private:
  enum class Kind : uint8_t { kStartup, kLiveness, kReadiness };
  struct Watched {
    StopSource stop;    // all probes of the container
    StopSource health;  // startup and liveness
    void end();
  };
  void watch_container(HandlerTarget target, const ContainerRecord& running);
  void watch_started(HandlerTarget target, MicroTime started);
  Task<void> run(Kind kind, HandlerTarget target, core_v1::Probe probe, MicroTime started,
                 StopToken stop);
  Task<HandlerResult> probe_once(Kind kind, HandlerTarget target, core_v1::Probe probe,
                                 StopToken stop);
  void count(std::string_view type, const HandlerTarget& target, HandlerOutcome outcome,
             Duration took);
  void apply(Kind kind, const HandlerTarget& target, bool ok);

  HandlerHost host_;
  std::map<std::string, ProbeState>& states_;
  std::function<void()> changed_;
  Record record_;
  Gate gate_;
  std::map<std::string, Watched> watched_;  // by container id
};

}  // namespace tiphys::kubelet
