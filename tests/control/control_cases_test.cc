// Every case file of this folder on virtual time: one test a file, such as
// Control/ControlCases.run/deployment. Or, on real time, the cases that can:
//   CONTROL_HOLLOW=<tiphys>           each on processes of its own (hollow_cluster.h)
//   CONTROL_KUBECONFIG=<kubeconfig>   on that cluster with real containers
//   CONTROL_SHARD=1/4                 every fourth case, from the second
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "tests/cases/runner.h"
#include "tests/control/hollow_cluster.h"
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

std::string run_hollow(const std::string& tiphys, const cases::Case& one) {
  auto world = HollowCluster::open(tiphys);
  if (!world) return world.error().message();
  std::string found = cases::run_case(**world, one, cases::Mode::kCluster);
  return found.empty() ? "" : found + (*world)->logs();
}

std::string run_live(const std::string& kubeconfig, const cases::Case& one) {
  auto world = LiveWorld::open(kubeconfig);
  if (!world) return std::string(world.error().message());
  return cases::run_case(**world, one, cases::Mode::kCluster);
}

const char* hollow() { return std::getenv("CONTROL_HOLLOW"); }
const char* live() { return std::getenv("CONTROL_KUBECONFIG"); }

std::string run_somewhere(const cases::Case& one) {
  if (hollow()) return run_hollow(hollow(), one);
  return live() ? run_live(live(), one) : run_simulated(one);
}

bool is_ours(const cases::Case& one) {
  if (hollow() && one.virtual_only) return false;
  if (live() && (one.virtual_only || one.hollow_only)) return false;
  const char* shard = std::getenv("CONTROL_SHARD");
  if (!shard) return true;
  static int64_t next = 0;
  std::string_view text(shard);
  size_t slash = text.find('/');
  int64_t count = parse_int(text.substr(slash + 1)).value_or(1);
  return next++ % count == parse_int(text.substr(0, slash)).value_or(0);
}

TEST_P(ControlCases, run) {
  std::ifstream in(GetParam());
  std::stringstream text;
  text << in.rdbuf();
  auto cases = cases::parse_cases(text.str());
  ASSERT_TRUE(cases) << GetParam() << ": " << cases.error().message();
  for (const cases::Case& one : *cases) {
    if (!is_ours(one)) continue;
    MonoTime start = SystemClock().mono();
    EXPECT_EQ(run_somewhere(one), "") << GetParam() << ": " << one.name;
    if (!hollow() && !live()) continue;
    std::chrono::duration<double> took = SystemClock().mono() - start;
    std::printf("%5.1f s  %s\n", took.count(), one.name.c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(Control, ControlCases, testing::ValuesIn(files()), test_name);

}  // namespace
}  // namespace tiphys::control
