// `tiphys hollow`: what upstream calls kubemark, for any number of nodes. Flags are kubemark's
// where it has them.
#include "kubelet/hollow/hollow_nodes.h"
#include "main/api_connection.h"
#include "main/client_flags.h"
#include "main/command.h"
#include "main/flags.h"
#include "main/kubelet_flags.h"
#include "main/logging_flags.h"
#include "object/quantity.h"

namespace tiphys {
namespace {

struct Flags {
  std::string kubeconfig;
  std::string name = "hollow-node";
  int64_t nodes = 1;
  int64_t zones = 0;
  int64_t cpu = 4;
  std::string memory = "32Gi";
  int64_t max_pods = 110;
  std::vector<std::string> node_labels;
  std::vector<std::string> register_with_taints;
  std::vector<std::string> extended_resources;
  ClientFlags client{.limit = {.qps = -1, .burst = 20}};  // of writes about pods
  Duration stop_after = Duration::zero();
  bool cleanup = false;

  void add_to(FlagSet& set) {
    set.add("kubeconfig", kubeconfig,
            "How to reach the API server, and as whom (\"\": as a pod does)");
    set.add("name", name, "Name of the node; of several: NAME-0, NAME-1 and so on");
    set.add("nodes", nodes, "Number of nodes");
    set.add("zones", zones, "Zones that nodes are spread over: zone-0, zone-1 (0: none)");
    set.add("cpu", cpu, "CPUs of each node");
    set.add("memory", memory, "Memory of each node");
    set.add("max-pods", max_pods, "Pods that fit on each node");
    set.add("node-labels", node_labels, "Labels to register nodes with");
    set.add("register-with-taints", register_with_taints, "Taints to register nodes with");
    set.add("extended-resources", extended_resources, "Resources of each node, as NAME=QUANTITY");
    client.add_to(set);
    set.add("stop-after", stop_after,
            "What containers need to end, at most their pod's grace period");
    set.add("cleanup", cleanup, "Delete the nodes when it is stopped; else they stay");
  }
};

Result<void> check(const Flags& flags) {
  if (flags.nodes < 1 || flags.nodes > static_cast<int64_t>(kubelet::kMaxHollowNodes)) {
    return ApiStatus::bad_request("--nodes: 1 to " + std::to_string(kubelet::kMaxHollowNodes));
  }
  if (flags.zones < 0 || flags.cpu < 1 || flags.max_pods < 1) {
    return ApiStatus::bad_request("--zones, --cpu and --max-pods: too small");
  }
  if (flags.stop_after < Duration::zero()) return ApiStatus::bad_request("--stop-after: negative");
  return flags.client.check();
}

Result<kubelet::HollowOptions> read_options(const Flags& flags) {
  Result<void> checked = check(flags);
  if (!checked) return checked.error();
  Result<Quantity> memory = Quantity::parse(flags.memory);
  if (!memory || memory->value() < 1) return ApiStatus::bad_request("--memory: not an amount");
  kubelet::HollowOptions options;
  options.facts = kubelet::hollow_facts(flags.cpu, memory->value());
  TIPHYS_TRY(auto, devices, read_pairs("extended-resources", flags.extended_resources));
  for (const auto& [name, amount] : devices) {
    if (!Quantity::parse(amount)) {
      return ApiStatus::bad_request("--extended-resources: not an amount: " + amount);
    }
  }
  options.facts.devices = devices;
  TIPHYS_TRY(auto, labels, read_pairs("node-labels", flags.node_labels));
  TIPHYS_TRY(auto, taints, read_taints(flags.register_with_taints));
  options.node.node_labels = labels;
  options.node.register_with_taints = taints;
  options.node.max_pods = flags.max_pods;
  options.node.version = kVersion;
  options.stop_after = flags.stop_after;
  return options;
}

void bring_up(kubelet::HollowNodes& nodes, const Flags& flags) {
  for (int64_t i = 0; i < flags.nodes; ++i) {
    std::map<std::string, std::string> labels;
    if (flags.zones > 0) {
      labels["topology.kubernetes.io/zone"] = "zone-" + std::to_string(i % flags.zones);
    }
    nodes.up(flags.nodes == 1 ? flags.name : flags.name + "-" + std::to_string(i), labels);
  }
}

Task<Result<void>> serve(Host& host, Flags flags) {
  Result<kubelet::HollowOptions> options = read_options(flags);
  if (!options) co_return options.error();
  auto connection =
      ApiConnection::open(host, flags.kubeconfig, "hollow-kubelet", flags.client.json());
  if (!connection) co_return connection.error();
  client::Client& client = (*connection)->client();
  client::LimitedClients limited(host.loop(), flags.client.limit);
  auto nodes = std::make_unique<kubelet::HollowNodes>(
      host.loop(), client, limited.client_of("pods", client), host.random(), *std::move(options));
  bring_up(*nodes, flags);
  nodes->start();
  co_await host.wait_for_stop();
  if (flags.cleanup) co_await nodes->remove_nodes();
  co_await nodes->stop();
  nodes.reset();
  co_await (*connection)->stop();
  co_return Result<void>();
}

}  // namespace

int run_hollow(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  flags.add_to(set);
  logging.add_to(set);
  if (auto code = parse_or_exit("hollow", "Nodes without machines.", set, arguments)) return *code;
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
