#include "apiserver/managed_fields/path_text.h"

#include "codec/codec.h"

namespace tiphys::apiserver {

std::string element_text(std::string_view element) {
  std::string_view rest = element.substr(2);
  if (element.starts_with("f:")) return "." + std::string(rest);
  if (!element.starts_with("k:")) {
    return "[" + std::string(element.starts_with("v:") ? "=" : "") + std::string(rest) + "]";
  }
  Arena arena;
  auto keys = codec::decode_json_any(rest, arena);
  std::string text = "[";
  for (uint32_t i = 0; keys && i + 1 < keys->as_node().size; i += 2) {
    if (i > 0) text += ',';
    text += std::string(keys->node->data[i].as_text()) + "=";
    codec::encode_json_any(keys->node->data[i + 1], text);
  }
  return text + "]";
}

std::string path_text(const FieldSet::Path& path) {
  std::string text;
  for (const std::string& element : path) text += element_text(element);
  return text;
}

}  // namespace tiphys::apiserver
