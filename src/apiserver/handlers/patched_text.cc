#include "apiserver/handlers/patched_text.h"

#include "apiserver/patch/tree.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::Message;
using schema::Shape;

// The containers that an operation goes through, as a tree of maps.
void touch(Arena& arena, Value& touched, std::string_view pointer) {
  Value* at = &touched;
  std::vector<std::string_view> steps = split(pointer, '/');
  for (size_t i = 1; i + 1 < steps.size(); ++i) {
    if (!find_entry(*at->node, steps[i])) {
      put_entry(arena, *at->node, steps[i], arena.make(ValueType::kMap));
    }
    at = find_entry(*at->node, steps[i]);
  }
}

Value touched_by(const PatchBody& patch, Arena& arena) {
  if (patch.kind != PatchKind::kJson) return patch.value;
  Value touched = arena.make(ValueType::kMap);
  for (const Value& operation : patch.value.as_node().items()) {
    if (operation.type != ValueType::kMap) continue;
    touch(arena, touched, operation.node->find("path").as_text());
    touch(arena, touched, operation.node->find("from").as_text());
  }
  return touched;
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void write_touched(const Message* type, const Value& value, const Value& touched) {
    out_ += '{';
    for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
      if (i > 0) out_ += ',';
      std::string_view name = value.node->data[i].as_text();
      codec::append_json_string(name, out_);
      out_ += ':';
      const Field* field = type ? schema::find_json(*type, name).field : nullptr;
      const Value& member = value.node->data[i + 1];
      const Value& below = touched.node->find(name);
      bool both = member.type == ValueType::kMap && below.type == ValueType::kMap;
      if (both) {
        bool is_struct = field && field->shape == Shape::kSingular;
        write_touched(is_struct ? field->message : nullptr, member, below);
      } else {
        write_field(field, member);
      }
    }
    out_ += '}';
  }

 private:
  void write_field(const Field* field, const Value& value) {
    const Message* type = field ? field->message : nullptr;
    if (!type || value.is_null()) return codec::encode_json_any(value, out_);
    if (field->shape == Shape::kSingular) return write_struct(*type, value);
    if (value.type == ValueType::kList && field->shape == Shape::kList) {
      out_ += '[';
      for (uint32_t i = 0; i < value.node->size; ++i) {
        if (i > 0) out_ += ',';
        write_struct(*type, value.node->data[i]);
      }
      out_ += ']';
      return;
    }
    codec::encode_json_any(value, out_);
  }

  void write_struct(const Message& type, const Value& value) {
    Arena arena;
    auto root = codec::from_any(value, type, arena, nullptr);
    if (root) return codec::encode_json(type, **root, out_);
    codec::encode_json_any(value, out_);
  }

  std::string& out_;
};

}  // namespace

std::string patched_text(const Message& type, const Value& document, const PatchBody& patch) {
  std::string text;
  Arena arena;
  Value touched = touched_by(patch, arena);
  if (document.type == ValueType::kMap && touched.type == ValueType::kMap) {
    Writer(text).write_touched(&type, document, touched);
  } else {
    codec::encode_json_any(document, text);
  }
  return text;
}

}  // namespace tiphys::apiserver
