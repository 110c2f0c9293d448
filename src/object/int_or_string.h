// IntOrString values ("25%", 8080): the arithmetic of apimachinery's intstr. Pure.
#pragma once
#include <cstdint>

#include "base/result.h"
#include "object/value.h"

namespace tiphys {

// The number itself, or the percentage of `total`, rounded up or down. An absent value is 0.
// Error: BadRequest `invalid value for IntOrString: ...` for any other text.
Result<int32_t> scaled_value(const Value& value, int32_t total, bool round_up);
// The number, or the text as a decimal number (0 if it is none): intstr.IntValue.
int32_t int_value(const Value& value);
// "8080", "http".
std::string int_or_string_text(const Value& value);

}  // namespace tiphys
