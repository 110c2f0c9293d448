#include "kubelet/kubelet.h"

#include "main/api_connection.h"
#include "main/command.h"
#include "main/kubelet_flags.h"
#include "main/logging_flags.h"

namespace tiphys {
namespace {

struct Flags {
  std::string kubeconfig;
  KubeletFlags kubelet;
};

Task<Result<void>> serve(Host& host, Flags flags) {
  Result<kubelet::Options> options = flags.kubelet.resolve();
  if (!options) co_return options.error();
  auto connection = ApiConnection::open(host, flags.kubeconfig, "kubelet");
  if (!connection) co_return connection.error();
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
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  set.add("kubeconfig", flags.kubeconfig, "How to reach the API server, and as whom");
  flags.kubelet.add_to(set);
  flags.kubelet.add_alone_to(set);
  logging.add_to(set);
  if (auto code = parse_or_exit("kubelet", "The node agent alone.", set, arguments)) return *code;
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
