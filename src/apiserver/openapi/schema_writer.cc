#include "apiserver/openapi/schema_writer.h"

#include <algorithm>

#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::FieldKind;
using schema::ListType;
using schema::Message;
using schema::Shape;

bool is_reference(const Field& field) { return field.message != nullptr; }

std::string scalar_json(FieldKind kind) {
  switch (kind) {
    case FieldKind::kBool:
      return R"("type":"boolean")";
    case FieldKind::kInt32:
      return R"("type":"integer","format":"int32")";
    case FieldKind::kInt64:
      return R"("type":"integer","format":"int64")";
    case FieldKind::kDouble:
      return R"("type":"number","format":"double")";
    case FieldKind::kBytes:
      return R"("type":"string","format":"byte")";
    case FieldKind::kTime:
    case FieldKind::kMicroTime:
      return R"("type":"string","format":"date-time")";
    case FieldKind::kIntOrString:
      return R"("type":"string","format":"int-or-string")";
    case FieldKind::kRawExtension:
    case FieldKind::kFieldsV1:
      return R"("type":"object")";
    case FieldKind::kStringList:
      return R"("type":"array","items":{"type":"string"})";
    case FieldKind::kJson:
    case FieldKind::kAny:
      return R"("description":"any JSON")";
    default:
      return R"("type":"string")";
  }
}

std::string item_json(const Field& field) {
  if (!is_reference(field)) return scalar_json(field.kind);
  return R"("allOf":[{"$ref":"#/components/schemas/)" + openapi_name(*field.message) + R"("}])";
}

void append_list_rules(const Field& field, std::string& out) {
  constexpr std::string_view kTypes[] = {"atomic", "set", "map"};
  out += R"(,"x-kubernetes-list-type":")" +
         std::string(kTypes[static_cast<size_t>(field.list_type)]) + "\"";
  if (!field.list_map_keys.empty()) {
    out += R"(,"x-kubernetes-list-map-keys":[)";
    for (size_t i = 0; i < field.list_map_keys.size(); ++i) {
      out += (i > 0 ? ",\"" : "\"") + std::string(field.list_map_keys[i]) + "\"";
    }
    out += ']';
  }
  if (!field.patch_merge_key.empty()) {
    out += R"(,"x-kubernetes-patch-merge-key":")" + std::string(field.patch_merge_key) + "\"";
  }
  if (field.merge_list) {
    out += std::string(R"(,"x-kubernetes-patch-strategy":"merge)") +
           (field.retain_keys ? ",retainKeys\"" : "\"");
  }
}

std::string field_json(const Field& field) {
  std::string out = "{";
  if (field.shape == Shape::kList) {
    out += R"("type":"array","items":{)" + item_json(field) + "}";
    append_list_rules(field, out);
  } else if (field.shape == Shape::kMap) {
    out += R"("type":"object","additionalProperties":{)" + item_json(field) + "}";
  } else {
    out += item_json(field);
  }
  if (!field.default_json.empty()) out += ",\"default\":" + std::string(field.default_json);
  if (!field.enum_values.empty() && field.shape == Shape::kSingular) {
    out += ",\"enum\":[";
    for (size_t i = 0; i < field.enum_values.size(); ++i) {
      if (i > 0) out += ',';
      codec::append_json_string(field.enum_values[i], out);
    }
    out += ']';
  }
  return out + "}";
}

// Adds the members of a message, those of inlined messages in their place.
void append_members(const Message& message, std::string& properties, std::string& required) {
  for (const Field& field : message.fields) {
    if (field.json_hidden) continue;
    if (field.inlined && field.message) {
      append_members(*field.message, properties, required);
      continue;
    }
    if (!properties.empty()) properties += ',';
    codec::append_json_string(field.name, properties);
    properties += ':' + field_json(field);
    if (!field.required) continue;
    if (!required.empty()) required += ',';
    codec::append_json_string(field.name, required);
  }
}

}  // namespace

std::string openapi_name(const schema::Message& message) {
  std::string name(message.name);
  if (name.starts_with("k8s.io.")) name = "io.k8s." + name.substr(7);
  return name;
}

void SchemaWriter::add(const Message& message) {
  if (!seen_.insert(&message).second) return;
  messages_.push_back(&message);
  for (const Field& field : message.fields) {
    if (field.message) add(*field.message);
  }
}

void SchemaWriter::write_message(const Message& message, std::string& out) const {
  std::string properties;
  std::string required;
  if (message.type_meta) {
    properties = R"("apiVersion":{"type":"string"},"kind":{"type":"string"})";
  }
  append_members(message, properties, required);
  out += R"({"type":"object","properties":{)" + properties + "}";
  if (!required.empty()) out += ",\"required\":[" + required + "]";
  if (message.gvk) {
    out += R"(,"x-kubernetes-group-version-kind":[{"group":")" + std::string(message.gvk->group) +
           R"(","kind":")" + std::string(message.gvk->kind) + R"(","version":")" +
           std::string(message.gvk->version) + "\"}]";
  }
  out += '}';
}

std::string SchemaWriter::json() const {
  std::vector<const Message*> sorted = messages_;
  std::sort(sorted.begin(), sorted.end(),
            [](const Message* a, const Message* b) { return a->name < b->name; });
  std::string out = "{";
  for (const Message* message : sorted) {
    if (out.size() > 1) out += ',';
    out += "\"" + openapi_name(*message) + "\":";
    write_message(*message, out);
  }
  return out + "}";
}

}  // namespace tiphys::apiserver
