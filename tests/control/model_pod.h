// ModelPod: a pod's containers as a kubelet would run them, without any: what they do is said by
// model_command.h. Images that begin with "missing" can't be had; a readiness probe that execs
// `false` fails. Pure: (pod, time) -> status, and when to look again.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "kinds/core_v1.h"

namespace tiphys::control {

class ModelPod {
 public:
  explicit ModelPod(std::string ip) : ip_(std::move(ip)) {}
  // Moves the containers to `now`. Returns how long until they move again by themselves.
  std::optional<Duration> advance(core_v1::Pod pod, MicroTime now);
  // Ends what still runs, as a deletion does.
  void end(core_v1::Pod pod, MicroTime now);
  // Writes the status; nothing of it is left as it was but what others own.
  void write_status(core_v1::PodEdit pod, MicroTime now);

 private:
  struct Container {
    MicroTime started = 0;  // 0: not yet
    MicroTime finished = 0;
    int exit_code = 0;
    int restarts = 0;
    bool missing = false;  // its image
    bool done = false;     // and not started again
  };
  std::optional<Duration> advance_one(core_v1::Pod pod, core_v1::Container container,
                                      Container& model, MicroTime now);
  std::string phase(core_v1::Pod pod) const;
  bool is_ready(core_v1::Pod pod) const;
  void write_container(core_v1::ContainerStatusEdit status, core_v1::Container container,
                       const Container& model) const;

  std::map<std::string, Container, std::less<>> init_;
  std::map<std::string, Container, std::less<>> containers_;
  std::string ip_;
  MicroTime started_ = 0;
};

}  // namespace tiphys::control
