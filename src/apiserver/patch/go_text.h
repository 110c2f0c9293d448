// Go's texts of untyped JSON, as upstream's error messages show it. Pure.
#pragma once
#include <string>

#include "object/value.h"

namespace tiphys::apiserver {

// fmt's %v: map[image:x], [a b], <nil>.
std::string go_value_text(const Value& value);
// fmt's %#v: map[string]interface {}{"image":"x"}, []interface {}{"a"}, interface {}(nil).
std::string go_syntax_text(const Value& value);
// fmt's %T; numbers are Go's float64, as its JSON decoder makes them.
std::string_view go_type_text(const Value& value);
// fmt's %v of a float64: 5, 1.5, 1e+06.
std::string go_float_text(double number);

}  // namespace tiphys::apiserver
