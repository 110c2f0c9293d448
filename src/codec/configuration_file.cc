#include "codec/configuration_file.h"

#include "base/strings.h"

namespace tiphys::codec {

Format format_of(std::string_view text) {
  return trim(text).starts_with("{") ? Format::kJson : Format::kYaml;
}

ApiStatus strict_error(const DecodeNotes& notes) {
  return ApiStatus::bad_request("strict decoding error: " + join(notes.problems, ", "));
}

Result<Draft> decode_configuration(const Scheme& scheme, std::string_view text,
                                   DecodeNotes* notes) {
  if (text.size() > kMaxConfigurationBytes) {
    return ApiStatus::bad_request("the configuration is larger than " +
                                  std::to_string(kMaxConfigurationBytes) + " bytes");
  }
  DecodeNotes own;
  DecodeNotes& all = notes == nullptr ? own : *notes;
  TIPHYS_TRY(Draft, draft, decode_object_of(scheme, format_of(text), text, nullptr, &all));
  if (!own.problems.empty()) return strict_error(own);
  return draft;
}

Result<Value> configuration_values(std::string_view text, Arena& arena) {
  if (format_of(text) == Format::kJson) return decode_json_any(text, arena);
  TIPHYS_TRY(std::string, json, yaml_to_json(text));
  return decode_json_any(json, arena);
}

Value lay_over(Arena& arena, Value base, const Value& patch) {
  if (patch.type != ValueType::kMap) return arena.clone(patch);
  if (base.type != ValueType::kMap) base = arena.make(ValueType::kMap);
  std::span<const Value> items = patch.node->items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    std::string_view key = items[i].as_text();
    Value with =
        items[i + 1].is_null() ? Value() : lay_over(arena, base.node->find(key), items[i + 1]);
    set_entry(arena, *base.node, key, with);
  }
  return base;
}

}  // namespace tiphys::codec
