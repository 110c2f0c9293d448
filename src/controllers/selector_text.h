// A label selector as upstream's messages show it: Go's %v of the struct. Pure.
#pragma once
#include <string>

#include "kinds/meta_v1.h"

namespace tiphys::controllers {

// "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]...{},}"
std::string selector_text(const meta_v1::LabelSelector& selector);

}  // namespace tiphys::controllers
