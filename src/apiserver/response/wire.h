// Protobuf's wire form, appended field by field. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tiphys::apiserver {

inline void append_varint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

// A length-delimited field: text, bytes or a message.
inline void append_field(uint32_t number, std::string_view bytes, std::string& out) {
  append_varint(number << 3 | 2, out);
  append_varint(bytes.size(), out);
  out += bytes;
}

}  // namespace tiphys::apiserver
