// `tiphys why pod/NAME`: the PodPlacement of a pod, as a table. The server computes it.
#include <cstdio>

#include "base/strings.h"
#include "kinds/tiphys_v1.h"
#include "main/api_connection.h"
#include "main/client_flags.h"
#include "main/command.h"
#include "main/flags.h"

namespace tiphys {
namespace {

constexpr std::string_view kAbout =
    "Why a pod is, or isn't, on a node: what every plugin of the scheduler says about it on every "
    "node, now.\nThe same with kubectl: kubectl get podplacement NAME -o yaml";

struct WhyFlags {
  std::string kubeconfig;
  std::string ns;
  std::string pod;
};

// "pod/web-0" or "web-0".
Result<std::string> pod_name(std::string_view argument) {
  size_t slash = argument.find('/');
  if (slash == std::string_view::npos) return std::string(argument);
  std::string kind = to_lower(argument.substr(0, slash));
  if (kind == "pod" || kind == "pods" || kind == "po")
    return std::string(argument.substr(slash + 1));
  return ApiStatus::bad_request("there is no \"why\" of " + kind + " yet, only of pods");
}

std::string reasons_text(tiphys_v1::NodePlacement node) {
  std::string text;
  for (tiphys_v1::PluginRejection rejection : node.rejections()) {
    text.append(text.empty() ? "" : "; ").append(rejection.plugin()).append(": ");
    bool first = true;
    for (std::string_view reason : rejection.reasons()) {
      text.append(first ? "" : ", ").append(reason);
      first = false;
    }
  }
  for (tiphys_v1::PluginScore score : node.scores()) {
    text.append(text.empty() ? "" : ", ").append(score.plugin());
    text += ' ' + std::to_string(score.score());
  }
  return text;
}

std::string table_of(tiphys_v1::PodPlacement placement) {
  size_t width = 4;
  for (tiphys_v1::NodePlacement node : placement.nodes())
    width = std::max(width, node.name().size());
  auto line = [width](std::string_view name, std::string_view fits, std::string_view score,
                      std::string_view why) {
    std::string text(name);
    text.resize(width + 3, ' ');
    text.append(fits).append(7 - fits.size(), ' ');
    text.append(score).append(score.size() < 8 ? 8 - score.size() : 1, ' ');
    return text.append(why).append("\n");
  };
  std::string text = line("NODE", "FITS", "SCORE", "WHY");
  for (tiphys_v1::NodePlacement node : placement.nodes()) {
    text += line(node.name(), node.feasible() ? "yes" : "no",
                 node.feasible() ? std::to_string(node.score()) : "-", reasons_text(node));
  }
  return text;
}

void print(const Object& object) {
  tiphys_v1::PodPlacement placement(object);
  std::string where(placement.node_name());
  std::printf("Pod %s/%s %s (scheduler %s)\n%s\n\n%s",
              std::string(placement.metadata().namespace_()).c_str(),
              std::string(placement.metadata().name()).c_str(),
              where.empty() ? "has no node" : ("is on node " + where).c_str(),
              std::string(placement.scheduler_name()).c_str(),
              std::string(placement.message()).c_str(), table_of(placement).c_str());
}

Task<Result<void>> ask(Host& host, WhyFlags flags) {
  auto connection =
      ApiConnection::open(host, default_kubeconfig(flags.kubeconfig), std::string("tiphys"));
  if (!connection) co_return connection.error();
  std::string ns = flags.ns.empty() ? (*connection)->config().ns : flags.ns;
  if (ns.empty()) ns = "default";
  Result<ObjectPtr> placement =
      co_await (*connection)
          ->client()
          .get(*schema::find_resource("scheduling.tiphys.io", "v1", "podplacements"), ns,
               flags.pod);
  co_await (*connection)->stop();
  if (!placement) co_return placement.error();
  print(**placement);
  co_return Result<void>();
}

}  // namespace

int run_why(const std::vector<std::string>& arguments) {
  WhyFlags flags;
  FlagSet set;
  set.add("kubeconfig", flags.kubeconfig, "As kubectl's (\"\": $KUBECONFIG, ~/.kube/config)");
  set.add("namespace", flags.ns, "Of the pod (\"\": the context's)");
  set.add_short('n', "namespace");
  if (auto code = parse_or_exit("why", kAbout, set, arguments, "pod/NAME")) return *code;
  Result<std::string> pod = pod_name(set.positional()[0]);
  if (!pod) {
    std::fprintf(stderr, "Error: %s\n", pod.error().message().c_str());
    return kExitUsage;
  }
  flags.pod = std::move(*pod);
  Host host;
  return host.run([&flags](Host& running) { return ask(running, flags); });
}

}  // namespace tiphys
