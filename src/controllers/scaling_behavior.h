// Scaling behaviour: how fast, and how calmly, an autoscaler may follow what its metrics ask for:
// limits, stabilization windows, policies, and the history that they look at. Pure.
// Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ and
// k8s.io/kubernetes pkg/controller/podautoscaler/horizontal.go.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controllers/replica_calculator.h"
#include "kinds/autoscaling_v2.h"

namespace tiphys::controllers {

struct ScalingPolicy {
  enum class Unit : uint8_t { kPods, kPercent };
  Unit unit = Unit::kPods;
  int32_t value = 0;
  Duration period{};
};

// One direction.
struct ScalingRules {
  enum class Select : uint8_t { kMax, kMin, kDisabled };
  Duration window{};
  Select select = Select::kMax;
  std::vector<ScalingPolicy> policies;
};

struct ScalingBehavior {
  ScalingRules up;
  ScalingRules down;
};

// What an object says, with the API's defaults where it (or half of it) says nothing: objects that
// were stored without defaults count as well. down_window: where no window for down is given.
ScalingBehavior behavior_of(const autoscaling_v2::HorizontalPodAutoscalerBehavior& behavior,
                            Duration down_window);
Tolerances tolerances_of(const autoscaling_v2::HorizontalPodAutoscalerBehavior& behavior,
                         double otherwise);

// What an autoscaler did and wished lately. Kept in memory only, as upstream does: a restart starts
// anew with the replicas that are there.
struct ScaleHistory {
  struct Wish {
    int32_t replicas = 0;
    MicroTime time = 0;
  };
  struct Change {
    int32_t replicas = 0;  // how many more or fewer
    MicroTime time = 0;
  };
  std::vector<Wish> wishes;
  std::vector<Change> ups;
  std::vector<Change> downs;
};

// What decided, as conditions tell it.
struct Verdict {
  bool held = false;  // it is not what was wished for
  std::string_view reason;
  std::string_view message;
};

struct Bounds {
  int32_t current = 0;
  int32_t least = 1;
  int32_t most = 1;
};

struct Settled {
  int32_t replicas = 0;
  Verdict able;     // AbleToScale
  Verdict limited;  // ScalingLimited
};

// An autoscaler without behavior: at most doubled (or up to 4), down to the highest wish of the
// window.
Settled settle_plainly(Bounds bounds, int32_t wish, Duration down_window, MicroTime now,
                       ScaleHistory& history);
Settled settle(Bounds bounds, int32_t wish, const ScalingBehavior& behavior, MicroTime now,
               ScaleHistory& history);
// Remembers a change that was made, as long as a policy looks back.
void note_change(int32_t before, int32_t after, const ScalingBehavior& behavior, MicroTime now,
                 ScaleHistory& history);

}  // namespace tiphys::controllers
