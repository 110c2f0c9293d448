// Every case file of this folder on virtual time, or, with CONTROL_KUBECONFIG set, those that can
// on that live cluster: one test a file, such as Control/ControlCases.run/deployment.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/cases/runner.h"
#include "tests/control/live_world.h"
#include "tests/control/sim_cluster.h"

namespace tiphys::control {
namespace {

constexpr std::string_view kFolder = "tests/control";

std::vector<std::string> files() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path().string());
  }
  std::ranges::sort(found);
  return found;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(kFolder.size() + 1);
  name.resize(name.size() - std::string_view(".yaml").size());
  return name;
}

class ControlCases : public testing::TestWithParam<std::string> {};

std::string run_simulated(const cases::Case& one) {
  SimCluster cluster;
  return cases::run_case(cluster, one, cases::Mode::kCluster);
}

std::string run_live(const std::string& kubeconfig, const cases::Case& one) {
  auto world = LiveWorld::open(kubeconfig);
  if (!world) return std::string(world.error().message());
  return cases::run_case(**world, one, cases::Mode::kCluster);
}

TEST_P(ControlCases, run) {
  std::ifstream in(GetParam());
  std::stringstream text;
  text << in.rdbuf();
  auto cases = cases::parse_cases(text.str());
  ASSERT_TRUE(cases) << GetParam() << ": " << cases.error().message();
  const char* live = std::getenv("CONTROL_KUBECONFIG");
  for (const cases::Case& one : *cases) {
    if (live && one.virtual_only) continue;
    std::string found = live ? run_live(live, one) : run_simulated(one);
    EXPECT_EQ(found, "") << GetParam() << ": " << one.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Control, ControlCases, testing::ValuesIn(files()), test_name);

}  // namespace
}  // namespace tiphys::control
