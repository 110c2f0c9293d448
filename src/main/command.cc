#include "main/command.h"

#include <cstdio>

#include "main/flags.h"
#include "main/host.h"

namespace tiphys {
namespace {

constexpr Command kCommands[] = {
    {"server", "Run a whole cluster node: control plane, kubelet, proxy and DNS in one process",
     run_server},
    {"agent", "Run a worker node: kubelet, proxy and DNS", run_agent},
    {"kube-apiserver", "Run the API server alone", run_kube_apiserver},
    {"kube-controller-manager", "Run the controllers alone", run_kube_controller_manager},
    {"kube-scheduler", "Run the scheduler alone", run_kube_scheduler},
    {"kubelet", "Run the node agent alone", run_kubelet},
    {"kube-proxy", "Run the service proxy alone", run_kube_proxy},
    {"dns", "Run the cluster's name server alone", run_dns},
    {"hollow", "Run many nodes without machines (upstream's kubemark)", run_hollow},
    {"token", "Manage the bootstrap tokens that nodes join with: create, list, delete", run_token},
    {"why", "Explain where a pod is or could be scheduled, node by node", run_why},
    {"purge", "Remove every container, mount, network and file of a stopped node", run_purge},
};

Result<void> check_operands(std::string_view command, const FlagSet& flags,
                            std::string_view operand) {
  const std::vector<std::string>& given = flags.positional();
  std::string name(command);
  if (operand.empty() && !given.empty()) {
    return ApiStatus::bad_request("\"" + name + "\" does not take any arguments, got [\"" +
                                  given[0] + "\"]");
  }
  bool none_is_fine = operand.empty() || operand.starts_with('[') || flags.help_requested();
  if (given.size() == 1 || (given.empty() && none_is_fine)) return {};
  if (given.size() > 1 && operand.ends_with("...")) return {};
  return ApiStatus::bad_request("\"" + name + "\" takes one argument: " + std::string(operand));
}

}  // namespace

std::span<const Command> all_commands() { return kCommands; }

std::optional<int> parse_or_exit(std::string_view command, std::string_view about, FlagSet& flags,
                                 const std::vector<std::string>& arguments,
                                 std::string_view operand) {
  bool version = false;
  flags.add("version", version, "Print the version and quit");
  Result<void> parsed = flags.parse(arguments);
  std::string name(command);
  if (parsed && !version) parsed = check_operands(command, flags, operand);
  if (!parsed) {
    std::fprintf(stderr, "Error: %s\nSee 'tiphys %s --help'.\n", parsed.error().message().c_str(),
                 name.c_str());
    return kExitUsage;
  }
  if (flags.help_requested()) {
    std::printf("%s\n\nUsage:\n  tiphys %s %s[flags]\n\nFlags:\n%s", std::string(about).c_str(),
                name.c_str(), operand.empty() ? "" : (std::string(operand) + " ").c_str(),
                flags.usage().c_str());
    return kExitOk;
  }
  if (version) {
    std::printf("Kubernetes %s\n", std::string(kVersion).c_str());
    return kExitOk;
  }
  return std::nullopt;
}

}  // namespace tiphys
