#include "kubelet/pods/preemption.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

constexpr const char* kCritical = "\"priority\":2000000000,";

// A node of 2 CPUs, 4 GiB and 9 pods, and what runs there.
struct Preemption : testing::Test {
  ObjectPtr node = object_of(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},
      "status":{"allocatable":{"cpu":"2","memory":"4Gi","ephemeral-storage":"10Gi","pods":"9"}}})");
  std::vector<ObjectPtr> pods;

  static ObjectPtr pod(const std::string& requests, const std::string& more = "",
                       const std::string& limits = "{}") {
    return pod_of("{" + more + R"("containers":[{"name":"c","resources":{"requests":)" + requests +
                  ",\"limits\":" + limits + "}}]}");
  }
  void burstable(const std::string& cpu, const std::string& memory = "0") {
    pods.push_back(pod(R"({"cpu":")" + cpu + R"(","memory":")" + memory + "\"}"));
  }
  void guaranteed(const std::string& cpu) {
    std::string amounts = R"({"cpu":")" + cpu + R"(","memory":"1Mi"})";
    pods.push_back(pod(amounts, "", amounts));
  }
  Admission admit(const ObjectPtr& one) {
    AdmissionInput input{.node = core_v1::Node(*node), .active = {}};
    for (const ObjectPtr& other : pods) input.active.emplace_back(*other);
    return admit_or_preempt(input, core_v1::Pod(*one));
  }
  // Who has to go for a critical pod with these requests.
  std::vector<size_t> victims(const std::string& requests) {
    Admission out = admit(pod(requests, kCritical));
    EXPECT_EQ(out.refusal ? out.refusal->message : "", "");
    return out.victims;
  }
};
using Places = std::vector<size_t>;

TEST_F(Preemption, OnlyForCriticalPodsThatDoNotFit) {
  burstable("1500m");
  EXPECT_EQ(victims(R"({"cpu":"500m"})"), Places());
  EXPECT_EQ(victims(R"({"cpu":"501m"})"), Places({0}));
  EXPECT_EQ(admit(pod(R"({"cpu":"501m"})", kCritical)).lacking, "cpu");
  Admission ordinary = admit(pod(R"({"cpu":"501m"})", "\"priority\":1000000000,"));
  EXPECT_TRUE(ordinary.victims.empty());
  EXPECT_EQ(ordinary.refusal->reason, "OutOfcpu");
}

TEST_F(Preemption, AReasonThatNobodyCanMendIsSaidAndNobodyGoes) {
  burstable("2");
  std::string elsewhere = std::string(kCritical) + R"("nodeSelector":{"a":"b"},)";
  Admission out = admit(pod(R"({"cpu":"1"})", elsewhere));
  EXPECT_EQ(out.refusal->reason, "NodeAffinity");
  EXPECT_TRUE(out.victims.empty());
}

TEST_F(Preemption, BurstableBeforeGuaranteed) {
  guaranteed("1");
  burstable("1");
  EXPECT_EQ(victims(R"({"cpu":"1"})"), Places({1}));
  EXPECT_EQ(victims(R"({"cpu":"1100m"})"), Places({1, 0}));
}

TEST_F(Preemption, NoMoreThanNeeded) {
  guaranteed("1500m");
  burstable("100m");
  burstable("400m");
  EXPECT_EQ(victims(R"({"cpu":"100m"})"), Places({1})) << "of those that are enough the smaller";
  EXPECT_EQ(victims(R"({"cpu":"300m"})"), Places({2}));
  EXPECT_EQ(victims(R"({"cpu":"1500m"})"), Places({0})) << "a guaranteed one is enough by itself";
}

TEST_F(Preemption, EachResourceCountsAlike) {
  burstable("1500m", "1Gi");
  burstable("250m", "3Gi");
  burstable("250m");
  EXPECT_EQ(victims(R"({"cpu":"100m","memory":"3Gi"})"), Places({1}));
  EXPECT_EQ(victims(R"({"cpu":"1","memory":"1Gi"})"), Places({0}));
  EXPECT_EQ(victims(R"({"cpu":"1750m","memory":"1Gi"})"), Places({0, 2}))
      << "after the first, the smaller of two that are enough";
}

TEST_F(Preemption, AFullNodeLosesABestEffortPod) {
  burstable("1");
  for (int i = 0; i < 8; ++i) pods.push_back(pod("{}"));
  Places gone = victims("{}");
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_NE(gone[0], 0u);
}

TEST_F(Preemption, CriticalPodsStayUnlessTheirPriorityIsLower) {
  pods.push_back(pod(R"({"cpu":"2"})", "\"priority\":2000000000,"));
  Admission out = admit(pod(R"({"cpu":"1"})", kCritical));
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->reason, "UnexpectedAdmissionError");
  EXPECT_EQ(out.refusal->message,
            "Unexpected error while attempting to recover from admission failure: preemption: "
            "error finding a set of pods to preempt: no set of running pods found to reclaim "
            "resources: [(res: cpu, q: 1000), ]");
  EXPECT_EQ(admit(pod(R"({"cpu":"1"})", "\"priority\":2000001000,")).victims, Places({0}));
}

TEST_F(Preemption, StaticPodsAreCritical) {
  burstable("2");
  ObjectPtr plain = pod(R"({"cpu":"1"})");
  EXPECT_FALSE(is_critical(core_v1::Pod(*plain)));
  Draft draft(*plain);
  core_v1::PodEdit(draft).edit_metadata().edit_annotations().set(kConfigSourceAnnotation, "file");
  EXPECT_EQ(admit(draft.freeze()).victims, Places({0}));
}

TEST_F(Preemption, AnEndIsWaitedForLongerThanItsGracePeriod) {
  auto limit = [](const std::string& more) {
    ObjectPtr one = pod("{}", more);
    return preemption_limit(core_v1::Pod(*one).spec()) / std::chrono::seconds(1);
  };
  EXPECT_EQ(limit(""), 10);
  EXPECT_EQ(limit("\"terminationGracePeriodSeconds\":30,"), 45);
  EXPECT_GT(limit("\"terminationGracePeriodSeconds\":9223372036854775807,"), 1'000'000);
}

}  // namespace
}  // namespace tiphys::kubelet
