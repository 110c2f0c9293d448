#include "codec/json_encoder.h"

#include "base/strings.h"
#include "base/time.h"
#include "codec/codec.h"
#include "codec/json_reader.h"
#include "codec/json_text.h"

namespace tiphys::codec {

using schema::Field;
using schema::FieldKind;
using schema::Shape;

namespace {

// Go's omitempty leaves out false, 0, nil, "" and empty maps and lists; never a struct.
bool omits_absent(const Field& field) {
  if (field.omitzero || field.pointer) return field.omitempty || field.omitzero;
  if (!field.omitempty) return false;
  if (field.shape != Shape::kSingular) return true;
  return field.kind <= FieldKind::kBytes || field.kind == FieldKind::kStringList ||
         field.kind == FieldKind::kAny;
}

bool omits_empty(const Field& field, const Value& value) {
  if (!field.omitempty || value.type < ValueType::kString) return false;
  bool collection = field.shape != Shape::kSingular || field.kind == FieldKind::kStringList;
  if (collection) return value.as_node().size == 0;
  return field.kind == FieldKind::kBytes && value.size == 0 && !field.pointer;
}

// Claims inside a StatefulSet say what they are, as the API server's conversion of apps/v1 makes
// them (no other object inside an object does); protobuf doesn't carry it.
const GroupVersionKind* item_gvk(const Field& field) {
  bool named =
      field.message != nullptr && field.message->type_meta && field.name == "volumeClaimTemplates";
  return named ? field.message->gvk : nullptr;
}

}  // namespace

void JsonEncoder::write_key(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  out_ += '"';
  out_ += name;
  out_ += "\":";
}

void JsonEncoder::write_object(const schema::Message& type, const Node& node,
                               const GroupVersionKind* gvk) {
  bool outer_first = std::exchange(first_, true);
  out_ += '{';
  if (gvk != nullptr && type.type_meta) {
    if (!gvk->kind.empty()) {
      write_key("kind");
      append_json_string(gvk->kind, out_);
    }
    if (!gvk->version.empty()) {
      write_key("apiVersion");
      append_json_string(gvk->api_version(), out_);
    }
  }
  write_fields(type, node);
  out_ += '}';
  first_ = outer_first;
}

void JsonEncoder::write_fields(const schema::Message& type, const Node& node) {
  const Value* at = node.data;
  const Value* end = node.data + node.size;
  for (size_t i = 0; i < type.fields.size(); ++i) {
    const Field& field = type.fields[i];
    const Value& value = at != end && at->field == i ? *at++ : kNullValue;
    if (field.json_hidden) continue;
    if (field.inlined && field.message != nullptr) {
      write_fields(*field.message, value.as_node());
    } else {
      write_field(field, value);
    }
  }
}

void JsonEncoder::write_field(const Field& field, const Value& value) {
  if (value.is_null()) {
    if (omits_absent(field)) return;
    write_key(field.name);
    return write_absent(field);
  }
  if (omits_empty(field, value)) return;
  write_key(field.name);
  if (field.shape == Shape::kList) {
    write_list(field, value.as_node());
  } else if (field.shape == Shape::kMap) {
    write_map(field, value.as_node());
  } else {
    write_value(field, value);
  }
}

void JsonEncoder::write_absent(const Field& field) {
  if (field.shape != Shape::kSingular || field.pointer) {
    out_ += "null";
    return;
  }
  switch (field.kind) {
    case FieldKind::kBool:
      out_ += "false";
      return;
    case FieldKind::kInt32:
    case FieldKind::kInt64:
    case FieldKind::kDouble:
    case FieldKind::kIntOrString:
      out_ += '0';
      return;
    case FieldKind::kString:
      out_ += "\"\"";
      return;
    case FieldKind::kQuantity:
      out_ += "\"0\"";
      return;
    case FieldKind::kDuration:
      out_ += "\"0s\"";
      return;
    case FieldKind::kMessage:
      return write_object(*field.message, kEmptyNode, nullptr);
    case FieldKind::kSchemaOrBool:
      out_ += "false";
      return;
    default:
      out_ += "null";
  }
}

void JsonEncoder::write_list(const Field& field, const Node& node) {
  const GroupVersionKind* gvk = item_gvk(field);
  out_ += '[';
  for (uint32_t i = 0; i < node.size; ++i) {
    if (i > 0) out_ += ',';
    if (gvk == nullptr) {
      write_value(field, node.data[i]);
    } else {
      write_object(*field.message, node.data[i].as_node(), gvk);
    }
  }
  out_ += ']';
}

void JsonEncoder::write_map(const Field& field, const Node& node) {
  out_ += '{';
  for (uint32_t i = 0; i < node.size; i += 2) {
    if (i > 0) out_ += ',';
    append_json_string(node.data[i].as_text(), out_);
    out_ += ':';
    write_value(field, node.data[i + 1]);
  }
  out_ += '}';
}

void JsonEncoder::write_value(const Field& field, const Value& value) {
  switch (field.kind) {
    case FieldKind::kBool:
      out_ += value.as_bool() ? "true" : "false";
      return;
    case FieldKind::kInt32:
    case FieldKind::kInt64:
      return append_int(value.as_int(), out_);
    case FieldKind::kDouble:
      return append_double(value.as_double(), out_);
    case FieldKind::kString:
    case FieldKind::kQuantity:
      return append_json_string(value.as_text(), out_);
    case FieldKind::kBytes:
      return write_bytes(value.as_text());
    case FieldKind::kMessage:
      return write_object(*field.message, value.as_node(), nullptr);
    case FieldKind::kTime:
    case FieldKind::kMicroTime:
    case FieldKind::kDuration:
      return write_time(field, value);
    case FieldKind::kIntOrString:
      if (value.type == ValueType::kString) return append_json_string(value.as_text(), out_);
      return append_int(value.as_int(), out_);
    case FieldKind::kRawExtension:
    case FieldKind::kFieldsV1:
    case FieldKind::kJson:
      return write_raw(value.as_text());
    case FieldKind::kStringList:
      return write_strings(value.as_node());
    case FieldKind::kAny:
      return write_any(value);
    default:
      return write_union(field, value.as_node());
  }
}

void JsonEncoder::write_time(const Field& field, const Value& value) {
  if (value.is_null()) {
    out_ += "null";
    return;
  }
  out_ += '"';
  if (field.kind == FieldKind::kTime) {
    out_ += format_rfc3339(value.as_int());
  } else if (field.kind == FieldKind::kMicroTime) {
    out_ += format_rfc3339_micro(value.as_int());
  } else {
    out_ += format_go_duration(Duration(value.as_int()));
  }
  out_ += '"';
}

void JsonEncoder::write_bytes(std::string_view bytes) {
  out_ += '"';
  out_ += base64_encode(bytes);
  out_ += '"';
}

// What came over protobuf may be no JSON at all; then null stands for it.
void JsonEncoder::write_raw(std::string_view raw) {
  if (is_valid_json(raw)) {
    append_compact_json(raw, true, out_);
    return;
  }
  Result<Draft> object = Result<Draft>(ApiStatus::bad_request(""));
  if (raw.starts_with(std::string_view("k8s\0", 4))) {
    object = decode_object(Format::kProtobuf, raw, nullptr, nullptr);
  }
  if (object) {
    encode_object(Format::kJson, object->type(), object->root(), object->gvk(), out_);
  } else {
    out_ += "null";
  }
}

void JsonEncoder::write_strings(const Node& node) {
  out_ += '[';
  for (uint32_t i = 0; i < node.size; ++i) {
    if (i > 0) out_ += ',';
    append_json_string(node.data[i].as_text(), out_);
  }
  out_ += ']';
}

void JsonEncoder::write_union(const Field& field, const Node& node) {
  const schema::Message& type = *field.message;
  const Value& props = node.field(type.index_of(*type.find("schema")));
  if (field.kind == FieldKind::kSchemaOrBool) {
    const Value& allows = node.field(type.index_of(*type.find("allows")));
    if (props.is_null()) {
      out_ += allows.as_bool() ? "true" : "false";
      return;
    }
  } else {
    bool strings = field.kind == FieldKind::kSchemaOrStringArray;
    const Field& items = *type.find(strings ? "property" : "jSONSchemas");
    const Value& list = node.field(type.index_of(items));
    if (list.as_node().size > 0) return write_list(items, list.as_node());
    if (props.is_null()) {
      out_ += "null";
      return;
    }
  }
  write_object(*type.find("schema")->message, props.as_node(), nullptr);
}

void JsonEncoder::write_any(const Value& value) {
  switch (value.type) {
    case ValueType::kNull:
      out_ += "null";
      return;
    case ValueType::kBool:
      out_ += value.as_bool() ? "true" : "false";
      return;
    case ValueType::kInt:
      return append_int(value.as_int(), out_);
    case ValueType::kDouble:
      return append_double(value.as_double(), out_);
    case ValueType::kString:
      return append_json_string(value.as_text(), out_);
    case ValueType::kBytes:
      return write_bytes(value.as_text());
    case ValueType::kRaw:
      return write_raw(value.as_text());
    default:
      break;
  }
  bool map = value.type == ValueType::kMap;
  const Node& node = value.as_node();
  out_ += map ? '{' : '[';
  for (uint32_t i = 0; i < node.size; ++i) {
    if (i > 0) out_ += ',';
    if (map) {
      append_json_string(node.data[i++].as_text(), out_);
      out_ += ':';
    }
    write_any(node.data[i]);
  }
  out_ += map ? '}' : ']';
}

}  // namespace tiphys::codec
