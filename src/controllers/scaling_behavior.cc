#include "controllers/scaling_behavior.h"

#include <algorithm>
#include <cmath>

#include "object/quantity.h"

namespace tiphys::controllers {

namespace {

using Changes = std::vector<ScaleHistory::Change>;
using autoscaling_v2::HorizontalPodAutoscalerBehavior;
using autoscaling_v2::HPAScalingRules;

constexpr Duration kDefaultPeriod = std::chrono::seconds(15);
constexpr int32_t kPlainFactor = 2;
constexpr int32_t kPlainLeast = 4;
// The longest window and period that the API takes are an hour and half an hour.
constexpr size_t kMaxHistory = 10000;

constexpr Verdict kReady{false, "ReadyForNewScale", "recommended size matches current size"};
constexpr Verdict kDownHeld{true, "ScaleDownStabilized",
                            "recent recommendations were higher than current one, applying the "
                            "highest recent recommendation"};
constexpr Verdict kUpHeld{true, "ScaleUpStabilized",
                          "recent recommendations were lower than current one, applying the lowest "
                          "recent recommendation"};
constexpr Verdict kWithin{false, "DesiredWithinRange",
                          "the desired count is within the acceptable range"};
constexpr Verdict kTooFew{true, "TooFewReplicas",
                          "the desired replica count is less than the minimum replica count"};
constexpr Verdict kTooMany{true, "TooManyReplicas",
                           "the desired replica count is more than the maximum replica count"};
constexpr Verdict kTooFast{true, "ScaleUpLimit",
                           "the desired replica count is increasing faster than the maximum scale "
                           "rate"};
constexpr Verdict kTooFastDown{true, "ScaleDownLimit",
                               "the desired replica count is decreasing faster than the maximum "
                               "scale rate"};

MicroTime before(MicroTime now, Duration span) {
  return now - std::chrono::duration_cast<std::chrono::microseconds>(span).count();
}

int32_t narrow(double value) {
  return static_cast<int32_t>(std::clamp<double>(value, INT32_MIN, INT32_MAX));
}

ScalingRules rules_of(const HPAScalingRules& rules) {
  ScalingRules made;
  made.window = std::chrono::seconds(rules.stabilization_window_seconds());
  if (rules.select_policy() == "Min") made.select = ScalingRules::Select::kMin;
  if (rules.select_policy() == "Disabled") made.select = ScalingRules::Select::kDisabled;
  for (autoscaling_v2::HPAScalingPolicy policy : rules.policies()) {
    made.policies.push_back(
        {policy.type() == "Percent" ? ScalingPolicy::Unit::kPercent : ScalingPolicy::Unit::kPods,
         policy.value(), std::chrono::seconds(policy.period_seconds())});
  }
  return made;
}

// A wish takes the place of one that no window reaches any more.
void remember(int32_t wish, MicroTime cutoff, MicroTime now, ScaleHistory& history) {
  std::erase_if(history.wishes, [cutoff](const auto& one) { return one.time < cutoff; });
  if (history.wishes.size() >= kMaxHistory) history.wishes.erase(history.wishes.begin());
  history.wishes.push_back({wish, now});
}

int64_t changed_since(const Changes& changes, MicroTime cutoff) {
  int64_t sum = 0;
  for (const ScaleHistory::Change& change : changes) {
    if (change.time > cutoff) sum += change.replicas;
  }
  return sum;
}

// Where a policy lets the replicas go, counted from where its period began.
int32_t policy_limit(const ScalingPolicy& policy, bool up, int32_t current, MicroTime now,
                     const ScaleHistory& history) {
  MicroTime cutoff = before(now, policy.period);
  auto start = static_cast<double>(current - changed_since(history.ups, cutoff) +
                                   changed_since(history.downs, cutoff));
  double part = static_cast<double>(policy.value) / 100;
  if (policy.unit == ScalingPolicy::Unit::kPods) {
    return narrow(up ? start + policy.value : start - policy.value);
  }
  // Rounded so that something may always change.
  return narrow(up ? std::ceil(start * (1 + part)) : std::trunc(start * (1 - part)));
}

// Of all policies; `current` if there are to be no changes.
int32_t rate_limit(const ScalingRules& rules, bool up, int32_t current, MicroTime now,
                   const ScaleHistory& history) {
  if (rules.select == ScalingRules::Select::kDisabled || rules.policies.empty()) return current;
  bool furthest = rules.select == ScalingRules::Select::kMax;
  std::optional<int32_t> limit;
  for (const ScalingPolicy& policy : rules.policies) {
    int32_t one = policy_limit(policy, up, current, now, history);
    if (!limit) limit = one;
    limit = furthest == up ? std::max(*limit, one) : std::min(*limit, one);
  }
  return up ? std::max(*limit, current) : std::min(*limit, current);
}

int32_t stabilized(Bounds bounds, int32_t wish, const ScalingBehavior& behavior, MicroTime now,
                   ScaleHistory& history) {
  MicroTime up_cutoff = before(now, behavior.up.window);
  MicroTime down_cutoff = before(now, behavior.down.window);
  int32_t lowest = wish;
  int32_t highest = wish;
  for (const ScaleHistory::Wish& one : history.wishes) {
    if (one.time > up_cutoff) lowest = std::min(lowest, one.replicas);
    if (one.time > down_cutoff) highest = std::max(highest, one.replicas);
  }
  remember(wish, std::min(up_cutoff, down_cutoff), now, history);
  return std::min(std::max(bounds.current, lowest), highest);
}

struct Limited {
  int32_t replicas;
  Verdict verdict;
};

Limited limit_up(Bounds bounds, int32_t wish, const ScalingBehavior& behavior, MicroTime now,
                 const ScaleHistory& history) {
  int32_t fastest = rate_limit(behavior.up, true, bounds.current, now, history);
  int32_t most = std::min(bounds.most, fastest);
  if (wish <= most) return {wish, kWithin};
  return {most, bounds.most > fastest ? kTooFast : kTooMany};
}

Limited limit_down(Bounds bounds, int32_t wish, const ScalingBehavior& behavior, MicroTime now,
                   const ScaleHistory& history) {
  int32_t fastest = rate_limit(behavior.down, false, bounds.current, now, history);
  int32_t least = std::max(bounds.least, fastest);
  if (wish >= least) return {wish, kWithin};
  return {least, bounds.least < fastest ? kTooFastDown : kTooFew};
}

Limited limit_plainly(Bounds bounds, int32_t wish) {
  int64_t fastest = std::max<int64_t>(int64_t{kPlainFactor} * bounds.current, kPlainLeast);
  bool slow = bounds.most > fastest;
  int32_t most = slow ? static_cast<int32_t>(fastest) : bounds.most;
  if (wish < bounds.least) return {bounds.least, kTooFew};
  if (wish > most) return {most, slow ? kTooFast : kTooMany};
  return {wish, kWithin};
}

}  // namespace

ScalingBehavior behavior_of(const HorizontalPodAutoscalerBehavior& behavior, Duration down_window) {
  using Unit = ScalingPolicy::Unit;
  ScalingBehavior made{rules_of(behavior.scale_up()), rules_of(behavior.scale_down())};
  if (!behavior.scale_down().has_stabilization_window_seconds()) made.down.window = down_window;
  if (!behavior.scale_up().has_policies()) {
    made.up.policies = {{Unit::kPods, 4, kDefaultPeriod}, {Unit::kPercent, 100, kDefaultPeriod}};
  }
  if (!behavior.scale_down().has_policies()) {
    made.down.policies = {{Unit::kPercent, 100, kDefaultPeriod}};
  }
  return made;
}

Tolerances tolerances_of(const HorizontalPodAutoscalerBehavior& behavior, double otherwise) {
  auto tolerance = [otherwise](const HPAScalingRules& rules) {
    return rules.has_tolerance() ? Quantity::of(rules.tolerance()).approximate() : otherwise;
  };
  return {tolerance(behavior.scale_down()), tolerance(behavior.scale_up())};
}

Settled settle_plainly(Bounds bounds, int32_t wish, Duration down_window, MicroTime now,
                       ScaleHistory& history) {
  MicroTime cutoff = before(now, down_window);
  int32_t highest = wish;
  for (const ScaleHistory::Wish& one : history.wishes) {
    if (one.time >= cutoff) highest = std::max(highest, one.replicas);
  }
  remember(wish, cutoff, now, history);
  Limited limited = limit_plainly(bounds, highest);
  return {limited.replicas, highest == wish ? kReady : kDownHeld, limited.verdict};
}

Settled settle(Bounds bounds, int32_t wish, const ScalingBehavior& behavior, MicroTime now,
               ScaleHistory& history) {
  int32_t calm = stabilized(bounds, wish, behavior, now, history);
  Verdict able = kReady;
  if (calm != wish) able = wish >= bounds.current ? kUpHeld : kDownHeld;
  Limited limited{calm, kWithin};
  if (calm > bounds.current) limited = limit_up(bounds, calm, behavior, now, history);
  if (calm < bounds.current) limited = limit_down(bounds, calm, behavior, now, history);
  return {limited.replicas, able, limited.verdict};
}

void note_change(int32_t before_it, int32_t after_it, const ScalingBehavior& behavior,
                 MicroTime now, ScaleHistory& history) {
  bool up = after_it > before_it;
  Duration longest{};
  for (const ScalingPolicy& policy : (up ? behavior.up : behavior.down).policies) {
    longest = std::max(longest, policy.period);
  }
  Changes& changes = up ? history.ups : history.downs;
  std::erase_if(changes,
                [cutoff = before(now, longest)](const auto& one) { return one.time < cutoff; });
  if (changes.size() >= kMaxHistory) changes.erase(changes.begin());
  changes.push_back({std::abs(after_it - before_it), now});
}

}  // namespace tiphys::controllers
