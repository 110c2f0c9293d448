// Command: one word that tiphys can be called with, or linked as (argv[0]).
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/build_info.h"

namespace tiphys {

struct Command {
  std::string_view name;
  std::string_view summary;
  // Arguments after the name. Returns the exit code (host.h).
  int (*run)(const std::vector<std::string>& arguments);
};

std::span<const Command> all_commands();

// One file each: server.cc, agent.cc, kube_apiserver.cc ...
int run_server(const std::vector<std::string>& arguments);
int run_agent(const std::vector<std::string>& arguments);
int run_kube_apiserver(const std::vector<std::string>& arguments);
int run_kube_controller_manager(const std::vector<std::string>& arguments);
int run_kube_scheduler(const std::vector<std::string>& arguments);
int run_kubelet(const std::vector<std::string>& arguments);
int run_kube_proxy(const std::vector<std::string>& arguments);
int run_dns(const std::vector<std::string>& arguments);
int run_hollow(const std::vector<std::string>& arguments);
int run_purge(const std::vector<std::string>& arguments);
int run_token(const std::vector<std::string>& arguments);
int run_why(const std::vector<std::string>& arguments);

class FlagSet;
// Parses; on --help prints usage and on a wrong line the error, and returns the exit code to end
// with. Nothing: go on. `operand` names the one positional argument of the command ("pod/NAME"),
// one that may be left out ("[TOKEN]") or one and more ("TOKEN..."); components take none.
std::optional<int> parse_or_exit(std::string_view command, std::string_view about, FlagSet& flags,
                                 const std::vector<std::string>& arguments,
                                 std::string_view operand = {});

inline constexpr std::string_view kVersion = kBuildInfo.git_version;

}  // namespace tiphys
