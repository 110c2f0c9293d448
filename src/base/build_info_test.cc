#include "base/build_info.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

TEST(BuildInfo, IsAMetricOfOneSeries) {
  std::string text = build_info_text();
  EXPECT_TRUE(
      text.starts_with("# HELP kubernetes_build_info [ALPHA] A metric with a constant '1' "))
      << text;
  EXPECT_TRUE(text.ends_with(
      "\n# TYPE kubernetes_build_info gauge\n"
      "kubernetes_build_info{build_date=\"2026-11-23T00:00:00Z\",compiler=\"clang\",git_commit="
      "\"\","
      "git_tree_state=\"clean\",git_version=\"" +
      std::string(kBuildInfo.git_version) +
      "\",go_version=\"none (C++23)\",major=\"1\",minor=\"35\",platform=\"linux/amd64\"} 1\n"))
      << text;
}

}  // namespace
}  // namespace tiphys
