// HollowPod: a pod's containers as a kubelet would run them, without any runtime. Pure: (pod, time)
// -> status, and when to look again. The status itself is make_status's, as of a real kubelet.
//
// What a container does is given (HollowBehaviour). Restarts, back-off and phases follow the pod's
// restartPolicy. Probes are not run: ready is what the behaviour says.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kinds/core_v1.h"
#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

struct HollowRun {
  std::optional<Duration> runs_for;  // nothing: for ever
  int32_t exit_code = 0;
  bool image_missing = false;  // it can't be had, so the container waits
  bool unready = false;        // runs, but its readiness probe fails
};
using HollowBehaviour =
    std::function<HollowRun(core_v1::Pod pod, core_v1::Container container, bool init)>;

// As upstream's hollow nodes: containers run for ever, init containers are done at once. Two
// annotations of the pod say otherwise for its containers:
inline constexpr std::string_view kHollowRunsFor = "tiphys.dev/hollow-runs-for";    // "30s"
inline constexpr std::string_view kHollowExitCode = "tiphys.dev/hollow-exit-code";  // "1"
HollowRun annotated_run(core_v1::Pod pod, core_v1::Container container, bool init);

class HollowPod {
 public:
  // Goes on from what the pod's status says: containers that ran run on.
  explicit HollowPod(core_v1::Pod pod);

  // Moves the containers to `now`. Returns how long until they move again by themselves.
  std::optional<Duration> advance(core_v1::Pod pod, const HollowBehaviour& behaviour,
                                  MicroTime now);
  // The pod is being deleted: containers need `stop_after` to end, at most the pod's grace period.
  // Returns how long that still takes; nothing: all have ended.
  std::optional<Duration> end(core_v1::Pod pod, Duration stop_after, MicroTime now);
  // The pod with its status. `killed`: it is being deleted and nothing runs any more.
  ObjectPtr with_status(const Object& pod, const std::string& host_ip, bool killed,
                        MicroTime now) const;

  const std::vector<std::string>& ips() const { return ips_; }
  void set_ips(std::vector<std::string> ips) { ips_ = std::move(ips); }

 private:
  struct Run {
    MicroTime started = 0;   // 0: not yet
    MicroTime finished = 0;  // 0: it runs
    int32_t exit_code = 0;
  };
  struct Container {
    Run now;
    Run before;  // the run before this one
    uint32_t restarts = 0;
    bool missing = false;  // its image
    bool unready = false;
    bool done = false;  // ended, and not started again
  };
  static Container adopted(core_v1::ContainerStatus status);
  static std::optional<Duration> advance_one(const HollowRun& run, std::string_view policy,
                                             Container& container, MicroTime now);
  // What a runtime would say, newest runs first.
  PodRuntime runtime(core_v1::Pod pod, bool killed) const;

  std::vector<Container> init_;  // as in the spec
  std::vector<Container> containers_;
  std::vector<std::string> ips_;
  MicroTime ending_ = 0;  // when it was told to end
};

}  // namespace tiphys::kubelet
