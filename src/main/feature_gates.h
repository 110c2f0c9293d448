// FeatureGates: --feature-gates of components that run alone. A gate (kinds/feature_gates.h) may be
// named with its default; another value is refused, as nothing here has such a switch. Pure.
// Errors, worded as upstream's: those of check_feature_gate() and "missing bool value for X".
#pragma once
#include <string_view>

#include "base/result.h"
#include "main/flags.h"

namespace tiphys {

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

}  // namespace tiphys
