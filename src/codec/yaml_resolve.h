// What a plain YAML scalar means: the rules of go-yaml v2 (YAML 1.1 with its exceptions). Pure.
// Internal to codec/.
#pragma once
#include <string>
#include <string_view>

namespace tiphys::codec {

struct YamlScalar {
  enum class Type : uint8_t { kNull, kBool, kInt, kUint, kFloat, kString, kTimestamp, kMerge };
  Type type = Type::kString;
  bool boolean = false;
  int64_t integer = 0;
  uint64_t unsigned_integer = 0;
  double number = 0;
};

// Timestamps are reported so that the writer can quote them; to the reader they are strings.
YamlScalar resolve_yaml(std::string_view plain);
// "1:20": YAML 1.1 would read a number, so the writer quotes it.
bool is_base60(std::string_view text);
// go-yaml's order of map keys: digits by value, others by code, letters last.
bool yaml_key_less(std::string_view a, std::string_view b);

}  // namespace tiphys::codec
