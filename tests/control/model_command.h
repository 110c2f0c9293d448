// ModelCommand: what a container's command would do, for the few commands that cases use, so that
// the same pods run in a model on virtual time and in real containers with busybox. Pure.
//
// Known: no command (runs for ever); `true`; `false`; `sleep N|infinity`; `sh -c TEXT`, TEXT being
// commands separated by ";" out of `sleep N`, `exit N`, `true`, `false`, `test A = B`,
// `test A != B`, with "$JOB_COMPLETION_INDEX" replaced. The last one's exit code counts.
#pragma once
#include <optional>
#include <string>

#include "base/time.h"
#include "kinds/core_v1.h"
#include "kubelet/hollow/hollow_nodes.h"

namespace tiphys::control {

struct ModelCommand {
  std::optional<Duration> runs_for;  // nothing: for ever
  int exit_code = 0;
};

// Nothing: a command that the model does not know.
std::optional<ModelCommand> model_command(core_v1::Container container,
                                          std::string_view completion_index);

// A kubelet renews every 10 s; what matters here is that it is within --node-monitor-grace-period
// (50 s).
inline constexpr Duration kUsualHeartbeat = std::chrono::seconds(30);

// The hollow nodes of a model cluster, with Leases that are renewed so often. Their containers do
// what their commands say; images that begin with "missing" can't be had; a readiness probe that
// execs `false` fails.
kubelet::HollowOptions model_nodes(Duration heartbeat);

}  // namespace tiphys::control
