// How Go's %#v prints the values that upstream puts into "Invalid value" texts. Pure.
#pragma once
#include <string>

#include "kinds/meta_v1.h"
#include "kinds/view.h"

namespace tiphys::apiserver {

// map[string]string{"a":"b"}; map[string]string(nil) where it is absent.
std::string go_string_map(const MapView<std::string_view>& map);
// v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:...}
std::string go_label_selector(meta_v1::LabelSelector selector);

}  // namespace tiphys::apiserver
