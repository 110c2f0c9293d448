#include "codec/json_decoder.h"

#include "codec/limits.h"
#include "codec/zero_value.h"

namespace tiphys::codec {

using schema::Field;
using schema::FieldKind;
using schema::Shape;

namespace {

std::string_view short_name(const schema::Message& message) {
  return message.go_name.substr(message.go_name.rfind('.') + 1);
}

// The members seen in one object, to notice duplicates; exact up to 64 members.
class Seen {
 public:
  bool insert(const schema::JsonMember& member) {
    uint32_t code = member.path[0] | member.path[1] << 10 | member.path[2] << 20;
    for (size_t i = 0; i < count_; ++i) {
      if (codes_[i] == code) return false;
    }
    if (count_ < codes_.size()) codes_[count_++] = code;
    return true;
  }

 private:
  std::array<uint32_t, 64> codes_;
  size_t count_ = 0;
};

}  // namespace

Result<Node*> JsonDecoder::decode(const schema::Message& type) {
  Node* root = arena_.make_node();
  char c = reader_.peek_value();
  if (c == '{') {
    read_members(type, *root);
  } else if (c == 'n') {
    reader_.null();
  } else if (c != 0) {
    wrong_type(c, type.go_name.substr(type.go_name.rfind('/') + 1));
  }
  reader_.finish();
  if (reader_.failed()) return reader_.error();
  if (!first_error_.empty()) return ApiStatus::bad_request(first_error_);
  return root;
}

Result<Value> JsonDecoder::decode_any() {
  Value value = read_any();
  reader_.finish();
  if (reader_.failed()) return reader_.error();
  if (!first_error_.empty()) return ApiStatus::bad_request(first_error_);
  return value;
}

bool JsonDecoder::deeper() {
  if (depth_ < kMaxTreeDepth) return ++depth_, true;
  reader_.fail("exceeded max depth");
  return false;
}

void JsonDecoder::save_error(std::string message) {
  if (first_error_.empty()) first_error_ = std::move(message);
}

void JsonDecoder::wrong_type(char found, std::string_view type) {
  std::string what;
  if (found == '{' || found == '[') {
    what = found == '{' ? "object" : "array";
    reader_.skip_value();
  } else if (found == '"') {
    what = "string";
    reader_.string();
  } else if (found == 't' || found == 'f') {
    what = "bool";
    reader_.boolean();
  } else {
    what = "number";
    reader_.number();
  }
  save_error("json: cannot unmarshal " + what + field_context() + std::string(type));
}

std::string JsonDecoder::field_context() const {
  if (struct_ == nullptr || field_stack_.empty()) return " into Go value of type ";
  std::string text = " into Go struct field " + std::string(short_name(*struct_));
  for (std::string_view name : field_stack_) {
    text += '.';
    text += name;
  }
  return text + " of type ";
}

bool JsonDecoder::expect(char wanted, const Field&, std::string_view type) {
  char c = reader_.peek_value();
  if (c == wanted) return true;
  if (c != 0) wrong_type(c, type);
  return false;
}

void JsonDecoder::note(std::string_view what, std::string_view key) {
  if (notes_ == nullptr || notes_->problems.size() >= kMaxProblems) return;
  std::string text(what);
  text += " field \"";
  for (const Step& step : path_) {
    if (step.key.data() == nullptr) {
      text += "[" + std::to_string(step.index) + "]";
    } else {
      if (text.back() != '"') text += '.';
      text += step.key;
    }
  }
  if (text.back() != '"') text += '.';
  text += key;
  notes_->problems.push_back(text + "\"");
}

std::string_view JsonDecoder::kept_string() { return arena_.copy(reader_.string()); }

void JsonDecoder::read_members(const schema::Message& type, Node& node) {
  if (!deeper()) return;
  const schema::Message* outer = struct_;
  Seen seen;
  std::string_view key;
  reader_.enter_object();
  while (reader_.next_member(key)) {
    struct_ = &type;
    schema::JsonMember member = schema::find_json(type, key);
    if (member.field != nullptr) {
      if (notes_ != nullptr && !seen.insert(member)) note("duplicate", key);
      read_member(type, node, member.field->name, member);
    } else if (type.type_meta && (key == "kind" || key == "apiVersion")) {
      read_type_meta(type, key == "kind" ? "kind" : "apiVersion");
    } else {
      note("unknown", key);
      reader_.skip_value();
    }
  }
  struct_ = outer;
  --depth_;
}

void JsonDecoder::read_type_meta(const schema::Message& type, std::string_view key) {
  field_stack_.push_back(key);
  char c = reader_.peek_value();
  if (c == '"') {
    reader_.string();
  } else if (c == 'n') {
    reader_.null();
  } else if (c != 0) {
    wrong_type(c, "string");
  }
  field_stack_.pop_back();
}

void JsonDecoder::read_member(const schema::Message& type, Node& node, std::string_view key,
                              const schema::JsonMember& member) {
  const Value* old = nullptr;
  const Node* at = &node;
  for (uint8_t i = 0; i < member.depth; ++i) {
    old = &at->field(member.path[i]);
    at = &old->as_node();
  }
  field_stack_.push_back(key);
  if (notes_ != nullptr) path_.push_back({key});
  Value value = read_field(*member.field, *old);
  if (notes_ != nullptr) path_.pop_back();
  field_stack_.pop_back();
  if (value.is_null()) return;
  Node* into = &node;
  for (uint8_t i = 0; i + 1 < member.depth; ++i) {
    into = &ensure_node(arena_, *into, member.path[i], ValueType::kStruct);
  }
  set_field(arena_, *into, member.path[member.depth - 1], value);
}

Value JsonDecoder::read_field(const Field& field, const Value& old) {
  char c = reader_.peek_value();
  if (c == 'n') {
    reader_.null();
    return {};
  }
  if (field.shape == Shape::kList) return read_list(field);
  if (field.shape == Shape::kMap) return read_map(field, old);
  Value value = read_singular(field, old);
  if (field.pointer || value.is_null()) return value;
  // Canonical form: zero of what is no pointer is absent.
  if (value.type == ValueType::kStruct) return value.node->size == 0 ? Value() : value;
  bool counts = field.zero_is_absent() || field.kind == FieldKind::kIntOrString ||
                field.kind == FieldKind::kDuration;
  if (!counts) return value;
  if (value.type == ValueType::kDouble) return value.d == 0 ? Value() : value;
  bool zero = value.is_text() ? value.size == 0 && value.type == ValueType::kString &&
                                    field.kind != FieldKind::kIntOrString
                              : value.i == 0;
  return zero ? Value() : value;
}

Value JsonDecoder::read_singular(const Field& field, const Value& old) {
  switch (field.kind) {
    case FieldKind::kBool:
      return read_bool(field);
    case FieldKind::kInt32:
      return read_int(field, 32);
    case FieldKind::kInt64:
      return read_int(field, 64);
    case FieldKind::kDouble:
      return read_double(field);
    case FieldKind::kString:
      return read_string(field);
    case FieldKind::kBytes:
      return read_bytes(field);
    case FieldKind::kMessage:
      return read_struct(*field.message, old);
    default:
      return read_special(field);
  }
}

Value JsonDecoder::read_struct(const schema::Message& type, const Value& old) {
  char c = reader_.peek_value();
  if (c != '{') {
    if (c != 0) wrong_type(c, type.go_name.substr(type.go_name.rfind('/') + 1));
    return {};
  }
  Value value = old.type == ValueType::kStruct ? old : arena_.make(ValueType::kStruct);
  read_members(type, *value.node);
  return value;
}

Value JsonDecoder::read_item(const Field& field) {
  char c = reader_.peek_value();
  Value value;
  if (c == 'n') {
    reader_.null();
  } else {
    value = read_singular(field, kNullValue);
  }
  if (!value.is_null()) return value;
  return zero_value(field, arena_);  // of null
}

Value JsonDecoder::read_list(const Field& field) {
  if (!expect('[', field, field.go_type)) return {};
  Value list = arena_.make(ValueType::kList);
  reader_.enter_array();
  if (notes_ != nullptr) path_.push_back({std::string_view(), 0});
  while (reader_.next_item()) {
    append(arena_, *list.node, read_item(field));
    if (notes_ != nullptr) ++path_.back().index;
  }
  if (notes_ != nullptr) path_.pop_back();
  return list;
}

void JsonDecoder::note_duplicate_keys(const Node& map, uint32_t first) {
  std::unordered_set<std::string_view> keys;
  for (uint32_t i = first; i < map.size; i += 2) {
    std::string_view key = map.data[i].as_text();
    if (!keys.insert(key).second) note("duplicate", key);
  }
}

Value JsonDecoder::read_map(const Field& field, const Value& old) {
  if (!expect('{', field, field.go_type)) return {};
  Value map = old.type == ValueType::kMap ? old : arena_.make(ValueType::kMap);
  uint32_t first = map.node->size;  // what an earlier member of this name brought is no duplicate
  reader_.enter_object();
  std::string_view key;
  while (reader_.next_member(key)) {
    Value name = arena_.string(key);
    if (notes_ != nullptr) path_.push_back({name.as_text()});
    Value item = read_item(field);
    if (notes_ != nullptr) path_.pop_back();
    append(arena_, *map.node, name);
    append(arena_, *map.node, item);
  }
  if (notes_ != nullptr) note_duplicate_keys(*map.node, first);
  sort_map(*map.node);
  return map;
}

Value JsonDecoder::read_any() {
  switch (reader_.peek_value()) {
    case '{':
      return read_any_object();
    case '[':
      return read_any_array();
    case '"':
      return Value::of_text(ValueType::kString, kept_string());
    case 't':
    case 'f':
      return Value::of_bool(reader_.boolean());
    case 'n':
      return reader_.null(), Value();
    case 0:
      return {};
    default:
      return read_any_number();
  }
}

Value JsonDecoder::read_any_object() {
  Value map = arena_.make(ValueType::kMap);
  if (!deeper()) return map;
  reader_.enter_object();
  std::string_view key;
  while (reader_.next_member(key)) {
    Value name = arena_.string(key);
    append(arena_, *map.node, name);
    if (notes_ != nullptr) path_.push_back({name.as_text()});
    append(arena_, *map.node, read_any());
    if (notes_ != nullptr) path_.pop_back();
  }
  if (notes_ != nullptr) note_duplicate_keys(*map.node, 0);
  sort_map(*map.node);
  --depth_;
  return map;
}

Value JsonDecoder::read_any_array() {
  Value list = arena_.make(ValueType::kList);
  if (!deeper()) return list;
  reader_.enter_array();
  if (notes_ != nullptr) path_.push_back({std::string_view(), 0});
  while (reader_.next_item()) {
    append(arena_, *list.node, read_any());
    if (notes_ != nullptr) ++path_.back().index;
  }
  if (notes_ != nullptr) path_.pop_back();
  --depth_;
  return list;
}

Value JsonDecoder::read_any_number() {
  std::string_view text = reader_.number();
  int64_t integer = 0;
  const char* end = text.data() + text.size();
  if (auto [rest, error] = std::from_chars(text.data(), end, integer);
      error == std::errc() && rest == end) {
    return Value::of_int(integer);
  }
  double number = 0;
  if (auto [rest, error] = std::from_chars(text.data(), end, number); error != std::errc()) {
    save_error("json: cannot unmarshal number " + std::string(text) +
               " into Go value of type float64");
  }
  return Value::of_double(number);
}

}  // namespace tiphys::codec
