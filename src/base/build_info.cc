#include "base/build_info.h"

#include "base/metrics.h"

namespace tiphys {

std::string build_info_text() {
  MetricRegistry registry;
  const BuildInfo& b = kBuildInfo;
  registry
      .gauge("kubernetes_build_info",
             "[ALPHA] A metric with a constant '1' value labeled by major, minor, git version, git "
             "commit, git tree state, build date, Go version, and compiler from which Kubernetes "
             "was built, and platform on which it is running.",
             {"build_date", "compiler", "git_commit", "git_tree_state", "git_version", "go_version",
              "major", "minor", "platform"})
      .with({b.build_date, b.compiler, b.git_commit, b.git_tree_state, b.git_version, b.go_version,
             b.major, b.minor, b.platform})
      .set(1);
  return registry.text();
}

}  // namespace tiphys
