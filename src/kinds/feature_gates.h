// FeatureGate: every gate that v1.35 knows by name, with its default. Pure, any thread. None
// switches anything here: what is built behaves as the defaults say.
// Source: https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

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
// Null: not known.
const FeatureGate* find_feature_gate(std::string_view name);
// Errors, worded as upstream's (k8s.io/component-base/featuregate): "unrecognized feature gate: X",
// "cannot set feature gate X to false, feature is locked to true".
Result<void> check_feature_gate(std::string_view name, bool on);

}  // namespace tiphys
