// Random stories end in the state that the spec asks for. CONTROL_SEED=n tells one of them again;
// CONTROL_SEEDS=n tells so many.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/strings.h"
#include "tests/control/story.h"

namespace tiphys::control {
namespace {

constexpr uint64_t kSeeds = 20;
constexpr int kSteps = 40;

std::optional<uint64_t> number(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? parse_uint(text) : std::nullopt;
}

void tell_story(uint64_t seed) {
  Story story(seed);
  story.happen(kSteps);
  if (std::getenv("CONTROL_SEED")) std::cout << story.told();
  std::string wrong = story.wrong();
  EXPECT_EQ(wrong, "") << "CONTROL_SEED=" << seed << " of:\n" << story.told();
}

TEST(ControlProperty, every_story_ends_well) {
  if (auto seed = number("CONTROL_SEED")) return tell_story(*seed);
  uint64_t count = number("CONTROL_SEEDS").value_or(kSeeds);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    std::cout << "seed " << seed << std::endl;
    tell_story(seed);
  }
}

}  // namespace
}  // namespace tiphys::control
