#include "kubelet/kubelet.h"

#include <sys/resource.h>

#include <cstring>

#include "base/log.h"
#include "main/command.h"
#include "main/kubelet_flags.h"
#include "main/logging_flags.h"
#include "main/node_connection.h"
#include "main/pod_check.h"
#include "os/files.h"

namespace tiphys {
namespace {

// The hard limit is only ever raised: containers inherit it.
void limit_open_files(rlim_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = wanted;
  limit.rlim_max = std::max(limit.rlim_max, wanted);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  LOG_WARNING("Failed to set rlimit on max file handles", {"err", std::strerror(errno)});
}

// Settings of the process itself; what the machine doesn't allow is told and left.
void apply_to_process(const kubelet_v1beta1::KubeletConfiguration& config) {
  if (config.logging().verbosity() > 0) {
    set_log_verbosity(static_cast<int>(config.logging().verbosity()));
  }
  Result<void> scored =
      os::write_file("/proc/self/oom_score_adj", std::to_string(config.oom_score_adj()));
  if (!scored) LOG_WARNING("Failed to ApplyOOMScoreAdj", {"err", scored.error()});
  limit_open_files(static_cast<rlim_t>(config.max_open_files()));
  if (config.cgroup_driver() == "systemd") {
    LOG_WARNING("The driver of our own runtime is cgroupfs: cgroupDriver systemd is not used");
  }
}

Task<Result<void>> serve(Host& host, KubeletFlags flags) {
  Result<kubelet::Configuration> configuration = flags.configuration();
  if (!configuration) co_return configuration.error();
  Result<kubelet::Options> options = flags.resolve(*configuration);
  if (!options) co_return options.error();
  options->check_pod = check_new_pod;
  apply_to_process(configuration->view());
  bool json = configuration->view().content_type() == "application/json";
  auto connection = co_await NodeConnection::open(host, flags, *options, json);
  if (!connection) co_return connection.error();
  if (!*connection) co_return Result<void>();  // stopped before there was one
  options->client_certificate = (*connection)->numbers();
  auto node = std::make_unique<kubelet::Kubelet>(host.loop(), host.pool(), (*connection)->client(),
                                                 host.random(), *options);
  Result<void> started = node->start();
  if (started) co_await host.wait_for_stop();
  co_await node->stop();
  node.reset();
  co_await (*connection)->stop();
  co_return started;
}

}  // namespace

int run_kubelet(const std::vector<std::string>& arguments) {
  KubeletFlags flags;
  LoggingFlags logging;
  FlagSet set;
  flags.add_alone_to(set);
  logging.add_to(set);
  if (auto code = parse_or_exit("kubelet", "The node agent alone.", set, arguments)) return *code;
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
