// BuildInfo: what this program says it is, wherever Kubernetes' components say so: /version,
// --version, a Node's kubeletVersion, kubernetes_build_info. Fields and labels are upstream's
// (apimachinery's version.Info).
#pragma once
#include <string>
#include <string_view>

namespace tiphys {

struct BuildInfo {
  std::string_view major;
  std::string_view minor;
  std::string_view git_version;
  std::string_view git_commit;
  std::string_view git_tree_state;
  std::string_view build_date;
  std::string_view go_version;
  std::string_view compiler;
  std::string_view platform;
};

inline constexpr BuildInfo kBuildInfo{.major = "1",
                                      .minor = "35",
                                      .git_version = "v1.35.2+tiphys1",
                                      .git_commit = "",
                                      .git_tree_state = "clean",
                                      .build_date = "2026-11-23T00:00:00Z",
                                      .go_version = "none (C++23)",
                                      .compiler = "clang",
                                      .platform = "linux/amd64"};

// The family kubernetes_build_info: once in each /metrics.
std::string build_info_text();

}  // namespace tiphys
