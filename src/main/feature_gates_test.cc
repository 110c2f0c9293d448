#include "main/feature_gates.h"

#include <gtest/gtest.h>

namespace tiphys {
namespace {

std::string told(std::string_view text) {
  Result<void> checked = check_feature_gates(text);
  return checked ? "" : std::string(checked.error().message());
}

TEST(FeatureGates, DefaultsMayBeNamed) {
  EXPECT_EQ(told(""), "");
  EXPECT_EQ(told("InPlacePodVerticalScaling=true, GangScheduling=false,AllAlpha=false"), "");
}

TEST(FeatureGates, AnythingElseIsRefused) {
  EXPECT_EQ(told("Nope=true"), "unrecognized feature gate: Nope");
  EXPECT_EQ(told("GangScheduling"), "missing bool value for GangScheduling");
  EXPECT_EQ(told("GangScheduling=maybe"),
            "invalid value of GangScheduling=maybe, err: strconv.ParseBool: parsing \"maybe\": "
            "invalid syntax");
  EXPECT_EQ(
      told("InPlacePodVerticalScaling=false"),
      "cannot set feature gate InPlacePodVerticalScaling to false, feature is locked to true");
  EXPECT_EQ(told("GangScheduling=true"),
            "cannot set feature gate GangScheduling to true: tiphys has no such switch, only the "
            "default");
  EXPECT_EQ(
      told("AllAlpha=true"),
      "cannot set feature gate AllAlpha to true: tiphys has no such switch, only the default");
}

}  // namespace
}  // namespace tiphys
