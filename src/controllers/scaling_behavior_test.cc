#include "controllers/scaling_behavior.h"

#include <gtest/gtest.h>

namespace tiphys::controllers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Select = ScalingRules::Select;
using Unit = ScalingPolicy::Unit;

constexpr MicroTime kNow = 1'700'000'000 * kMicrosPerSecond;

MicroTime in(Duration span) {
  return kNow + std::chrono::duration_cast<std::chrono::microseconds>(span).count();
}

ScalingBehavior make(ScalingRules up, ScalingRules down) {
  return {std::move(up), std::move(down)};
}

const ScalingRules kFree{.policies = {{Unit::kPercent, 1000, seconds(15)}}};

TEST(ScalingBehavior, without_one_replicas_are_at_most_doubled) {
  struct {
    int32_t current, wish, replicas;
    std::string_view reason;
  } cases[] = {{1, 20, 4, "ScaleUpLimit"},
               {3, 20, 6, "ScaleUpLimit"},
               {6, 20, 10, "TooManyReplicas"},
               {3, 5, 5, "DesiredWithinRange"},
               {3, 1, 2, "TooFewReplicas"},
               {3, 0, 2, "TooFewReplicas"},
               {2'000'000'000, INT32_MAX, 10, "TooManyReplicas"}};
  for (const auto& one : cases) {
    ScaleHistory history;
    Settled settled = settle_plainly({one.current, 2, 10}, one.wish, minutes(5), kNow, history);
    EXPECT_EQ(settled.replicas, one.replicas) << one.wish;
    EXPECT_EQ(settled.limited.reason, one.reason) << one.wish;
    EXPECT_EQ(settled.able.reason, "ReadyForNewScale");
  }
}

TEST(ScalingBehavior, without_one_the_highest_wish_of_the_window_counts) {
  ScaleHistory history;
  Bounds bounds{5, 1, 10};
  settle_plainly(bounds, 5, minutes(5), kNow, history);
  Settled held = settle_plainly(bounds, 2, minutes(5), in(minutes(5)), history);
  EXPECT_EQ(held.replicas, 5);
  EXPECT_EQ(held.able.reason, "ScaleDownStabilized");
  Settled down = settle_plainly(bounds, 3, minutes(5), in(minutes(5) + seconds(1)), history);
  EXPECT_EQ(down.replicas, 3);
  EXPECT_EQ(down.able.reason, "ReadyForNewScale");
  EXPECT_EQ(history.wishes.size(), 2u);  // what no window reaches is forgotten
}

struct RateCase {
  const char* what;
  ScalingRules rules;
  int32_t current;
  int32_t wish;
  int32_t replicas;
  std::string_view reason;
};

const RateCase kRates[] = {
    {"pods", {.policies = {{Unit::kPods, 4, seconds(60)}}}, 10, 30, 14, "ScaleUpLimit"},
    {"percent rounds up",
     {.policies = {{Unit::kPercent, 5, seconds(60)}}},
     10,
     30,
     11,
     "ScaleUpLimit"},
    {"the most",
     {.policies = {{Unit::kPods, 4, seconds(60)}, {Unit::kPercent, 100, seconds(60)}}},
     10,
     30,
     20,
     "ScaleUpLimit"},
    {"the least",
     {.select = Select::kMin,
      .policies = {{Unit::kPods, 4, seconds(60)}, {Unit::kPercent, 100, seconds(60)}}},
     10,
     30,
     14,
     "ScaleUpLimit"},
    {"disabled",
     {.select = Select::kDisabled, .policies = {{Unit::kPods, 4, seconds(60)}}},
     10,
     30,
     10,
     "ScaleUpLimit"},
    {"the maximum", {.policies = {{Unit::kPods, 400, seconds(60)}}}, 10, 90, 50, "TooManyReplicas"},
    {"free", {.policies = {{Unit::kPods, 400, seconds(60)}}}, 10, 30, 30, "DesiredWithinRange"},
    {"pods down", {.policies = {{Unit::kPods, 4, seconds(60)}}}, 30, 10, 26, "ScaleDownLimit"},
    {"percent down rounds down",
     {.policies = {{Unit::kPercent, 10, seconds(60)}}},
     9,
     2,
     8,
     "ScaleDownLimit"},
    {"the most down",
     {.policies = {{Unit::kPods, 4, seconds(60)}, {Unit::kPercent, 50, seconds(60)}}},
     30,
     10,
     15,
     "ScaleDownLimit"},
    {"the least down",
     {.select = Select::kMin,
      .policies = {{Unit::kPods, 4, seconds(60)}, {Unit::kPercent, 50, seconds(60)}}},
     30,
     10,
     26,
     "ScaleDownLimit"},
    {"disabled down",
     {.select = Select::kDisabled, .policies = {{Unit::kPods, 4, seconds(60)}}},
     30,
     10,
     30,
     "ScaleDownLimit"},
    {"the minimum", {.policies = {{Unit::kPercent, 100, seconds(60)}}}, 30, 0, 2, "TooFewReplicas"},
};

TEST(ScalingBehavior, policies_limit_the_rate) {
  for (const RateCase& one : kRates) {
    ScaleHistory history;
    Settled settled =
        settle({one.current, 2, 50}, one.wish, make(one.rules, one.rules), kNow, history);
    EXPECT_EQ(settled.replicas, one.replicas) << one.what;
    EXPECT_EQ(settled.limited.reason, one.reason) << one.what;
    EXPECT_EQ(settled.limited.held, one.replicas != one.wish) << one.what;
  }
}

TEST(ScalingBehavior, changes_of_a_period_count_together) {
  ScalingRules slow{.policies = {{Unit::kPods, 4, seconds(60)}}};
  ScalingBehavior behavior = make(slow, slow);
  ScaleHistory history;
  note_change(10, 13, behavior, kNow, history);
  EXPECT_EQ(settle({13, 1, 50}, 30, behavior, in(seconds(30)), history).replicas, 14);
  note_change(13, 14, behavior, in(seconds(30)), history);
  EXPECT_EQ(settle({14, 1, 50}, 30, behavior, in(seconds(45)), history).replicas, 14);
  EXPECT_EQ(settle({14, 1, 50}, 30, behavior, in(seconds(61)), history).replicas, 17);
  // What was taken away in the period may come back beyond the rate.
  note_change(14, 12, behavior, in(seconds(62)), history);
  EXPECT_EQ(settle({12, 1, 50}, 30, behavior, in(seconds(100)), history).replicas, 18);
  note_change(12, 18, behavior, in(minutes(10)), history);
  EXPECT_EQ(history.ups.size(), 1u);
}

TEST(ScalingBehavior, windows_hold_both_ways) {
  ScalingRules calm = kFree;
  calm.window = seconds(60);
  ScalingBehavior behavior = make(calm, calm);
  ScaleHistory history;
  Bounds bounds{5, 1, 50};
  settle(bounds, 5, behavior, kNow, history);
  Settled up = settle(bounds, 9, behavior, in(seconds(30)), history);
  EXPECT_EQ(up.replicas, 5);
  EXPECT_EQ(up.able.reason, "ScaleUpStabilized");
  Settled later = settle(bounds, 8, behavior, in(seconds(61)), history);
  EXPECT_EQ(later.replicas, 8);
  Settled down = settle({8, 1, 50}, 2, behavior, in(seconds(80)), history);
  EXPECT_EQ(down.replicas, 8);
  EXPECT_EQ(down.able.reason, "ScaleDownStabilized");
  EXPECT_EQ(settle({8, 1, 50}, 2, behavior, in(seconds(200)), history).replicas, 2);
}

// CVE-2024-0793: a behavior that says only half must not bring the controller down.
TEST(ScalingBehavior, half_a_behavior_is_completed) {
  Draft draft = autoscaling_v2::HorizontalPodAutoscaler::make();
  auto spec = autoscaling_v2::HorizontalPodAutoscalerEdit(draft).edit_spec();
  auto view = [&draft] { return autoscaling_v2::HorizontalPodAutoscaler(draft).spec().behavior(); };
  for (int step = 0; step < 3; ++step) {
    if (step == 1) spec.edit_behavior();
    if (step == 2) spec.edit_behavior().edit_scale_down().set_select_policy("Min");
    ScalingBehavior behavior = behavior_of(view(), minutes(5));
    EXPECT_EQ(behavior.up.window, seconds(0));
    EXPECT_EQ(behavior.up.policies.size(), 2u);
    EXPECT_EQ(behavior.down.window, minutes(5));
    ASSERT_EQ(behavior.down.policies.size(), 1u);
    EXPECT_EQ(behavior.down.policies[0].value, 100);
    ScaleHistory history;
    EXPECT_EQ(settle({3, 1, 10}, 9, behavior, kNow, history).replicas, 7);
    EXPECT_EQ(tolerances_of(view(), 0.1).down, 0.1);
  }
  spec.edit_behavior().edit_scale_down().set_tolerance("50m");
  EXPECT_EQ(tolerances_of(view(), 0.1).down, 0.05);
  EXPECT_EQ(tolerances_of(view(), 0.1).up, 0.1);
}

}  // namespace
}  // namespace tiphys::controllers
