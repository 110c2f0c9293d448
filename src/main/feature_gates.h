// FeatureGates: --feature-gates of components that run alone. Every gate of v1.35 is known by name;
// none switches anything here: what is built behaves as the gates' defaults say, so a gate may be
// named with its default, and another value is refused. Pure. Errors, worded as upstream's
// (k8s.io/component-base/featuregate): "unrecognized feature gate: X", "missing bool value for X",
// "cannot set feature gate X to false, feature is locked to true".
#pragma once
#include <span>
#include <string_view>

#include "base/result.h"
#include "main/flags.h"

namespace tiphys {

struct FeatureGate {
  enum class Stage : uint8_t { kAlpha, kBeta, kSettled };
  std::string_view name;
  bool on = false;  // by default
  bool locked = false;
  Stage stage = Stage::kAlpha;
};

// Sorted by name.
std::span<const FeatureGate> feature_gates();

// text: "A=true,B=false".
Result<void> check_feature_gates(std::string_view text);

struct FeatureGateFlags {
  std::vector<std::string> gates;
  void add_to(FlagSet& flags) {
    flags.add("feature-gates", gates,
              "Feature gates, as A=true,B=false: each can only be set to its default");
  }
  Result<void> check() const;
};

// --profiling and --contention-profiling: what they serve upstream (/debug/pprof) is about Go, and
// not here, so they can only be false.
struct ProfilingFlags {
  bool profiling = false;
  bool contention_profiling = false;
  void add_to(FlagSet& flags) {
    flags.add("profiling", profiling, "Go's profiles at /debug/pprof: there are none, so false");
    flags.add("contention-profiling", contention_profiling, "Go's lock profiles: as --profiling");
  }
  Result<void> check() const;
};

}  // namespace tiphys
