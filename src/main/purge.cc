#include "kubelet/kubelet.h"
#include "main/command.h"
#include "main/flags.h"
#include "main/host.h"
#include "main/logging_flags.h"
#include "main/proxy_settings.h"
#include "proxy/proxier.h"

namespace tiphys {

int run_purge(const std::vector<std::string>& arguments) {
  kubelet::Options node;
  LoggingFlags logging;
  FlagSet set;
  set.add("data-dir", node.data_dir, "Folder of the node that was stopped");
  set.add("bridge-name", node.bridge_name, "Bridge of its pod network");
  set.add("cgroup-root", node.cgroup_root, "Parent of its pods' cgroups");
  logging.add_to(set);
  constexpr std::string_view kAbout =
      "Removes every container, mount, network and file of a stopped node; the API's data and "
      "certificates in\nthe data folder stay.";
  if (auto code = parse_or_exit("purge", kAbout, set, arguments)) return *code;
  logging.apply();
  Result<void> purged = kubelet::purge(node);
  proxy::Settings settings = proxy_settings(node.bridge_name);
  Result<void> rules = proxy::cleanup(settings, proxy::Mode::kNftables);
  Result<void> chains = proxy::cleanup(settings, proxy::Mode::kIptables);
  for (const Result<void>* result : {&purged, &rules, &chains}) {
    if (!*result) std::fprintf(stderr, "tiphys: %s\n", result->error().message().c_str());
  }
  return purged && rules && chains ? kExitOk : kExitFailed;
}

}  // namespace tiphys
