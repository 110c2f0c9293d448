// FeatureGates: the gates that v1.35 knows, and those of a configuration. Pure.
// Source: https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "kinds/view.h"

namespace tiphys::kubelet {

// Error, in upstream's words: a gate that isn't known, or can't be changed.
Result<void> check_feature_gates(const MapView<bool>& given);
// Whether it is on, by `given` or by its default. Requires: it is known.
bool feature_enabled(const MapView<bool>& given, std::string_view name);
// Its default. Requires: it is known.
bool feature_default(std::string_view name);

}  // namespace tiphys::kubelet
