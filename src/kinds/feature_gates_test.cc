#include "kinds/feature_gates.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tiphys {
namespace {

TEST(FeatureGates, AreSortedForTheSearch) {
  EXPECT_TRUE(std::ranges::is_sorted(feature_gates(), {}, &FeatureGate::name));
}

TEST(FeatureGates, LockedOnesStay) {
  EXPECT_TRUE(check_feature_gate("InPlacePodVerticalScaling", true));
  EXPECT_EQ(
      check_feature_gate("InPlacePodVerticalScaling", false).error().message(),
      "cannot set feature gate InPlacePodVerticalScaling to false, feature is locked to true");
  EXPECT_EQ(check_feature_gate("Nope", false).error().message(), "unrecognized feature gate: Nope");
}

}  // namespace
}  // namespace tiphys
