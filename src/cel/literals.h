// The values of literals. Pure.
// Source: github.com/google/cel-spec doc/langdef.md ("String and Bytes Values", "Numeric Values").
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tiphys::cel {

// What a string or bytes token (without its b) says; nothing: `error` says why, as cel-go.
std::optional<std::string> unquote(std::string_view token, bool bytes, std::string& error);

// Decimal or 0x; nothing: out of range. `negative` tells that a minus stood before.
std::optional<int64_t> int_value(std::string_view token, bool negative);
std::optional<uint64_t> uint_value(std::string_view token);  // with its u
std::optional<double> double_value(std::string_view token);

}  // namespace tiphys::cel
