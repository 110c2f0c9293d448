// model_kubelets KUBECONFIG NODE...: the model nodes of tests/control in a process of their own,
// for benches that need pods to become ready. Ends with SIGTERM.
#include <memory>

#include "main/api_connection.h"
#include "main/host.h"
#include "tests/control/model_nodes.h"

namespace tiphys {
namespace {

// Kubelets of many machines would not wait for each other either.
constexpr Duration kReaction = std::chrono::milliseconds(10);

Task<Result<void>> serve(Host& host, std::vector<std::string> arguments) {
  if (arguments.size() < 2) co_return ApiStatus::bad_request("model_kubelets KUBECONFIG NODE...");
  auto connection = ApiConnection::open(host, arguments[0], "kubelet");
  if (!connection) co_return connection.error();
  auto nodes = std::make_unique<control::ModelNodes>(host.loop(), (*connection)->client(),
                                                     host.random(), kReaction);
  nodes->start();
  for (size_t i = 1; i < arguments.size(); ++i) nodes->up(arguments[i]);
  co_await host.wait_for_stop();
  co_await nodes->stop();
  nodes.reset();
  co_await (*connection)->stop();
  co_return Result<void>();
}

}  // namespace
}  // namespace tiphys

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  tiphys::Host host;
  return host.run([&](tiphys::Host& running) { return tiphys::serve(running, arguments); });
}
