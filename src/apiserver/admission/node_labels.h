// Which labels a kubelet may set on its own Node. Pure.
// Upstream: plugin/pkg/admission/noderestriction (getModifiedLabels, isForbiddenLabel), KEP-279.
#pragma once
#include <string>

#include "kinds/view.h"

namespace tiphys::apiserver {

// The labels that differ between the two and that a kubelet may not touch, joined by ", "; "" none.
std::string forbidden_label_changes(const MapView<std::string_view>& now,
                                    const MapView<std::string_view>& old);

}  // namespace tiphys::apiserver
