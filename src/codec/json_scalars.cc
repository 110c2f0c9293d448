// JsonDecoder's scalars and the kinds that have an UnmarshalJSON of their own in Go.
#include "base/strings.h"
#include "base/time.h"
#include "codec/json_decoder.h"
#include "object/quantity.h"

namespace tiphys::codec {

using schema::Field;
using schema::FieldKind;

namespace {
// "v1.Protocol" of "v1.Protocol", "[]v1.Protocol" and "map[string]v1.Protocol".
std::string_view element_type(const Field& field) {
  if (field.shape == schema::Shape::kSingular) return field.go_type;
  return field.go_type.substr(field.go_type.find(']') + 1);
}
}  // namespace

Value JsonDecoder::read_bool(const Field& field) {
  char c = reader_.peek_value();
  if (c == 't' || c == 'f') return Value::of_bool(reader_.boolean());
  if (c != 0) wrong_type(c, "bool");
  return {};
}

Value JsonDecoder::read_int(const Field& field, int bits) {
  std::string_view type = bits == 32 ? "int32" : "int64";
  char c = reader_.peek_value();
  if (c != '-' && (c < '0' || c > '9')) {
    if (c != 0) wrong_type(c, type);
    return {};
  }
  std::string_view text = reader_.number();
  std::optional<int64_t> value = parse_int(text);
  if (reader_.failed()) return {};
  if (!value || (bits == 32 && *value != static_cast<int32_t>(*value))) {
    save_number_error(text, type);
    return {};
  }
  return Value::of_int(*value);
}

Value JsonDecoder::read_double(const Field& field) {
  char c = reader_.peek_value();
  if (c != '-' && (c < '0' || c > '9')) {
    if (c != 0) wrong_type(c, "float64");
    return {};
  }
  std::string_view text = reader_.number();
  double value = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() && !reader_.failed()) save_number_error(text, "float64");
  return Value::of_double(value);
}

Value JsonDecoder::read_string(const Field& field) {
  if (!expect('"', field, element_type(field))) return {};
  return Value::of_text(ValueType::kString, kept_string());
}

Value JsonDecoder::read_bytes(const Field& field) {
  if (!expect('"', field, "[]uint8")) return {};
  std::string_view text = reader_.string();
  std::optional<std::string> bytes = base64_decode(text);
  if (!bytes) {
    size_t at =
        text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    at = at == std::string_view::npos ? text.size() / 4 * 4 : at;
    save_error("illegal base64 data at input byte " + std::to_string(at));
    return {};
  }
  return arena_.string(*bytes, ValueType::kBytes);
}

Value JsonDecoder::read_special(const Field& field) {
  switch (field.kind) {
    case FieldKind::kTime:
    case FieldKind::kMicroTime:
    case FieldKind::kDuration:
      return read_time(field);
    case FieldKind::kQuantity:
      return read_quantity();
    case FieldKind::kIntOrString:
      return read_int_or_string();
    case FieldKind::kRawExtension:
    case FieldKind::kFieldsV1:
    case FieldKind::kJson:
      return read_raw(field);
    case FieldKind::kAny:
      return read_any();
    case FieldKind::kStringList: {
      static constexpr Field kItems{
          .kind = FieldKind::kString, .shape = schema::Shape::kList, .go_type = "[]string"};
      return read_list(kItems);
    }
    default:
      return read_union(field);
  }
}

namespace {

// Go's time.Parse with metav1.RFC3339Micro: exactly six digits. Nothing: they are there.
std::optional<std::string> micro_time_problem(std::string_view text) {
  constexpr size_t kFraction = sizeof "2006-01-02T15:04:05" - 1;
  constexpr size_t kFractionBytes = sizeof ".000000" - 1;
  std::string_view rest = text.substr(std::min(text.size(), kFraction));
  std::string_view wanted = ".000000";
  bool there = rest.size() >= kFractionBytes && rest[0] == '.' &&
               rest.substr(1, 6).find_first_not_of("0123456789") == std::string_view::npos;
  if (there) {
    rest.remove_prefix(kFractionBytes);
    if (rest.starts_with('Z') || rest.starts_with('+') || rest.starts_with('-')) return {};
    wanted = "Z07:00";
  }
  return "parsing time " + go_quote(text) +
         " as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse " + go_quote(rest) + " as " +
         go_quote(wanted);
}

}  // namespace

Value JsonDecoder::read_time(const Field& field) {
  char c = reader_.peek_value();
  if (c != '"') {
    const schema::Message* outer = std::exchange(struct_, nullptr);
    if (c != 0) wrong_type(c, "string");
    struct_ = outer;
    return {};
  }
  std::string_view text = reader_.string();
  if (reader_.failed()) return {};
  if (field.kind == FieldKind::kDuration) {
    Result<Duration> duration = parse_go_duration(text);
    if (duration) return Value::of_int(duration->count());
    save_error(duration.error().message());
    return {};
  }
  Result<MicroTime> time = parse_rfc3339(text);
  if (!time) {
    save_error(time.error().message());
    return {};
  }
  if (field.kind == FieldKind::kMicroTime) {
    if (auto problem = micro_time_problem(text)) {
      save_error(*problem);
      return {};
    }
  }
  MicroTime value = *time;
  if (field.kind == FieldKind::kTime) value -= (value % 1'000'000 + 1'000'000) % 1'000'000;
  return Value::of_int(value);
}

Value JsonDecoder::read_quantity() {
  char c = reader_.peek_value();
  std::string_view text;
  if (c == '"') {
    text = trim(reader_.string());
  } else {
    text = reader_.skip_value();
  }
  if (reader_.failed()) return {};
  Result<Quantity> quantity = Quantity::parse(text);
  if (!quantity) {
    save_error(quantity.error().message());
    return {};
  }
  return arena_.string(quantity->text());
}

Value JsonDecoder::read_int_or_string() {
  if (reader_.peek_value() == '"') return Value::of_text(ValueType::kString, kept_string());
  const schema::Message* outer = std::exchange(struct_, nullptr);  // Go: its own Unmarshal call
  Value value = read_int(schema::Field(), 32);
  struct_ = outer;
  return value;
}

Value JsonDecoder::read_raw(const Field& field) {
  std::string_view text = reader_.skip_value();
  if (reader_.failed() || text == "null") return {};
  std::string compact;
  append_compact_json(text, false, compact);
  return arena_.string(compact, ValueType::kRaw);
}

// JSONSchemaPropsOrArray, OrBool and OrStringArray: their wire shape has the schema's struct and
// the other form as fields.
Value JsonDecoder::read_union(const Field& field) {
  const schema::Message& type = *field.message;
  const Field& schema_field = *type.find("schema");
  Value value = arena_.make(ValueType::kStruct);
  char c = reader_.peek_value();
  if (c == '{') {
    Value props = read_struct(*schema_field.message, kNullValue);
    set_field(arena_, *value.node, type.index_of(schema_field), props);
    if (field.kind == FieldKind::kSchemaOrBool) {
      set_field(arena_, *value.node, type.index_of(*type.find("allows")), Value::of_bool(true));
    }
  } else if (field.kind == FieldKind::kSchemaOrBool && (c == 't' || c == 'f')) {
    if (reader_.boolean()) {
      set_field(arena_, *value.node, type.index_of(*type.find("allows")), Value::of_bool(true));
    }
  } else if (field.kind == FieldKind::kSchemaOrBool) {
    reader_.skip_value();
    save_error("boolean or JSON schema expected");
  } else if (c == '[') {
    bool strings = field.kind == FieldKind::kSchemaOrStringArray;
    const Field& items = *type.find(strings ? "property" : "jSONSchemas");
    set_field(arena_, *value.node, type.index_of(items), read_list(items));
  } else {
    reader_.skip_value();  // Go ignores it
  }
  return value;
}

void JsonDecoder::save_number_error(std::string_view number, std::string_view type) {
  save_error("json: cannot unmarshal number " + std::string(number) + field_context() +
             std::string(type));
}

}  // namespace tiphys::codec
