// Small string helpers with one meaning each. Pure, thread-safe.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys {

std::vector<std::string_view> split(std::string_view text, char separator);  // "" -> {""}
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);  // ASCII white space
std::string to_lower(std::string_view text);   // ASCII
bool equals_ignore_case(std::string_view a, std::string_view b);
// The whole text as a decimal number in range, else nothing.
std::optional<int64_t> parse_int(std::string_view text);
std::optional<uint64_t> parse_uint(std::string_view text);
// Go's strconv.Quote (the %q of its fmt).
std::string go_quote(std::string_view text);
std::string hex(std::string_view bytes);
std::string base64_encode(std::string_view bytes);                   // standard alphabet, padded
std::string base64url_encode(std::string_view bytes);                // URL alphabet, unpadded
std::optional<std::string> base64_decode(std::string_view text);     // strict, as Go's StdEncoding
std::optional<std::string> base64url_decode(std::string_view text);  // unpadded
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);  // all but unreserved characters
// 32 and 64-bit FNV-1a, as Go's hash/fnv.
uint32_t fnv32a(std::string_view bytes);
uint64_t fnv64a(std::string_view bytes);
std::optional<std::string_view> cut_prefix(std::string_view text, std::string_view prefix);
bool is_valid_utf8(std::string_view bytes);

}  // namespace tiphys
