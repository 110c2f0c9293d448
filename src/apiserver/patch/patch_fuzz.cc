// Patches of any shape on documents of any shape: they end in a document or an error, maps stay
// sorted, and what one patch made can be patched again. Input: document, newline, patch.
#include <cstdint>
#include <cstdlib>

#include "apiserver/patch/json_patch.h"
#include "apiserver/patch/merge_patch.h"
#include "apiserver/patch/strategic_merge.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

void check_sorted(const Value& value) {
  bool map = value.type == ValueType::kMap;
  const Node& node = value.as_node();
  for (uint32_t i = 0; i < node.size; i += map ? 2 : 1) {
    if (map && i > 0 && node.data[i - 2].as_text() >= node.data[i].as_text()) std::abort();
    check_sorted(node.data[map ? i + 1 : i]);
  }
}

const schema::Message& type() {
  static const schema::Message& found = *schema::find_message("k8s.io.api.core.v1.PodTemplateSpec");
  return found;
}

using Apply = Result<Value> (*)(Value document, Value patch, Arena& arena);

Result<Value> strategic(Value document, Value patch, Arena& arena) {
  return apply_strategic_merge(document, patch, type(), arena);
}
Result<Value> json(Value document, Value patch, Arena& arena) {
  if (patch.type != ValueType::kList) return patch;
  return apply_json_patch(document, patch, arena);
}
Result<Value> merge(Value document, Value patch, Arena& arena) {
  return apply_merge_patch(document, patch, arena);
}

void try_patch(Apply apply, std::string_view document, std::string_view patch) {
  Arena arena;
  auto before = codec::decode_json_any(document, arena);
  auto change = codec::decode_json_any(patch, arena);
  if (!before || !change) return;
  auto once = apply(*before, arena.clone(*change), arena);
  if (!once) return;
  check_sorted(*once);
  auto twice = apply(arena.clone(*once), arena.clone(*change), arena);
  if (twice) check_sorted(*twice);
}

}  // namespace
}  // namespace tiphys::apiserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiphys::apiserver;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  for (Apply apply : {&strategic, &json, &merge}) {
    try_patch(apply, text.substr(0, line), text.substr(line + 1));
  }
  return 0;
}
