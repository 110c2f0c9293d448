#include "apiserver/apply/last_applied.h"

#include "apiserver/apply/config_check.h"
#include "apiserver/apply/schema_tree.h"
#include "apiserver/managed_fields/comparison.h"
#include "apiserver/patch/tree.h"
#include "apiserver/registry/meta.h"
#include "apiserver/registry/object_meta.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

// The annotation's value: the configuration without it, as Go's encoder writes it.
std::string annotation_of(const Value& config) {
  Arena arena;
  Value copy = arena.clone(config);
  Value* metadata = find_entry(*copy.node, "metadata");
  if (metadata && metadata->type == ValueType::kMap) {
    Value* annotations = find_entry(*metadata->node, "annotations");
    if (annotations && annotations->type == ValueType::kMap) {
      erase_entry(*annotations->node, kLastApplied);
    }
  }
  std::string text;
  codec::encode_json_any(copy, text);
  return text + "\n";
}

bool fits(const Node& annotations) {
  size_t bytes = 0;
  for (const Value& text : annotations.items()) bytes += text.size;
  return bytes <= kMaxAnnotationBytes;
}

}  // namespace

FieldSet last_applied_fields(const schema::Resource& resource, const Object& live) {
  const schema::Message& type = *resource.message;
  std::string_view text = MetaView(live).annotations().find(kLastApplied).as_text();
  Arena arena;
  auto config = codec::decode_json_any(text, arena);
  if (!config || config->type != ValueType::kMap) return {};
  if (config->node->find("apiVersion").as_text() != resource.type->gvk.api_version()) return {};
  erase_entry(*config->node, "apiVersion");
  erase_entry(*config->node, "kind");
  bool sound = config_problems(type, *config).empty() &&
               config_problems(type, codec::to_any(type, live.root(), arena)).empty();
  if (!sound) return {};
  FieldSet fields = field_set_of(type, *config);
  auto root = codec::from_any(*config, type, arena, nullptr);
  if (!root) return {};
  Comparison difference = compare_objects(type, *root, live.root());
  fields.subtract(difference.modified);
  fields.subtract(difference.added);
  fields.subtract(difference.removed);
  return fields;
}

void update_last_applied(Draft& object, const Value& config) {
  if (MetaView(object).annotations().find(kLastApplied).as_text().empty()) return;
  MetaEdit edit(object);
  edit.set_annotation(kLastApplied, annotation_of(config));
  if (fits(MetaView(object).annotations())) return;
  Value annotations = object.arena().clone(MetaView(object).value("annotations"));
  erase_entry(*annotations.node, kLastApplied);
  edit.set("annotations", annotations);
}

}  // namespace tiphys::apiserver
