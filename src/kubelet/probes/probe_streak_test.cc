#include "kubelet/probes/probe_streak.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

TEST(ProbeStreak, ThresholdsCountResultsInARow) {
  ObjectPtr pod = pod_of(R"({"containers":[{"name":"a",
      "readinessProbe":{"successThreshold":2,"failureThreshold":3}}]})");
  ProbeStreak streak(core_v1::Pod(*pod).spec().containers()[0].readiness_probe());
  EXPECT_EQ(streak.add(true), std::nullopt);
  EXPECT_EQ(streak.add(true), true);
  EXPECT_EQ(streak.add(false), std::nullopt);
  EXPECT_EQ(streak.add(false), std::nullopt);
  EXPECT_EQ(streak.add(true), std::nullopt) << "starts over";
  for (int i = 0; i < 2; ++i) EXPECT_EQ(streak.add(false), std::nullopt);
  EXPECT_EQ(streak.add(false), false);
}

TEST(ProbeStreak, OneSuccessAndThreeFailuresByDefault) {
  ProbeStreak streak{core_v1::Probe()};
  EXPECT_EQ(streak.add(true), true);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(streak.add(false), std::nullopt);
  EXPECT_EQ(streak.add(false), false);
}

}  // namespace
}  // namespace tiphys::kubelet
