// Pieces of JSON text as Go's encoding/json writes them. Internal to codec/ (append_json_string is
// in codec.h).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tiphys::codec {

void append_utf8(uint32_t code, std::string& out);
void append_unicode_escape(uint32_t code, std::string& out);  // \u003c
// Each invalid byte becomes U+FFFD, as Go's decoder does.
std::string replace_invalid_utf8(std::string_view text);
void append_int(int64_t value, std::string& out);
// Shortest text that reads back, in encoding/json's choice of notation. NaN and infinities have no
// JSON and are written as 0.
void append_double(double value, std::string& out);

}  // namespace tiphys::codec
