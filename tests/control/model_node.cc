// One node of tests/control beside a live API server, in a process of its own, so that it can be
// killed: a hollow node whose containers do what their commands say (model_command.h). Or, without
// a node, the PV controller and provisioner of a model cluster (model_volumes.h).
// Usage: model_node KUBECONFIG node-1 | model_node KUBECONFIG volumes
#include <cstdio>

#include "base/strings.h"
#include "main/api_connection.h"
#include "tests/control/model_command.h"
#include "tests/control/model_volumes.h"

namespace tiphys::control {
namespace {

// Lost nodes are noticed in seconds there (hollow_cluster.cc).
constexpr Duration kLiveHeartbeat = std::chrono::seconds(1);

Task<void> be_node(Host& host, client::Client& client, std::string name) {
  kubelet::HollowOptions options = model_nodes(kLiveHeartbeat);
  size_t number = name.find_last_of('-') + 1;  // npos: 0
  options.first_number = static_cast<size_t>(parse_int(name.substr(number)).value_or(0));
  kubelet::HollowNodes nodes(host.loop(), client, client, host.random(), options);
  nodes.up(name);
  nodes.start();
  co_await host.wait_for_stop();
  co_await nodes.stop();
}

Task<void> be_volumes(Host& host, client::Client& client) {
  ModelVolumes volumes(host.loop(), client, host.random());
  volumes.start();
  co_await host.wait_for_stop();
  co_await volumes.stop();
}

Task<Result<void>> serve(Host& host, std::string kubeconfig, std::string name) {
  auto connection = ApiConnection::open(host, kubeconfig, "model-node");
  if (!connection) co_return connection.error();
  if (name == "volumes") {
    co_await be_volumes(host, (*connection)->client());
  } else {
    co_await be_node(host, (*connection)->client(), name);
  }
  co_await (*connection)->stop();
  co_return Result<void>();
}

}  // namespace
}  // namespace tiphys::control

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: model_node KUBECONFIG NODE|volumes\n");
    return tiphys::kExitUsage;
  }
  tiphys::Host host;
  return host.run([arguments](tiphys::Host& running) {
    return tiphys::control::serve(running, arguments[1], arguments[2]);
  });
}
