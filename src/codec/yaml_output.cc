// JSON text to block-style YAML through libyaml's emitter, with go-yaml's choice of scalar styles.
#include <yaml.h>

#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "codec/json_decoder.h"
#include "codec/json_text.h"
#include "codec/yaml.h"
#include "codec/yaml_resolve.h"

namespace tiphys::codec {
namespace {

int append_bytes(void* out, unsigned char* data, size_t size) {
  static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(data), size);
  return 1;
}

// Go's FormatFloat(value, 'g', -1, 64).
std::string float_text(double value) {
  char digits[64];
  auto [end, error] =
      std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::scientific);
  std::string_view text(digits, static_cast<size_t>(end - digits));
  int exponent = std::abs(value) == 0 ? 0 : std::atoi(text.substr(text.find('e') + 1).data());
  if (exponent < -4 || exponent >= 21) return std::string(text);
  std::string out;
  append_double(value, out);
  return out;
}

class YamlEmitter {
 public:
  explicit YamlEmitter(std::string& out) {
    yaml_emitter_initialize(&emitter_);
    yaml_emitter_set_output(&emitter_, append_bytes, &out);
    yaml_emitter_set_unicode(&emitter_, 1);
  }
  ~YamlEmitter() { yaml_emitter_delete(&emitter_); }
  YamlEmitter(const YamlEmitter&) = delete;
  YamlEmitter& operator=(const YamlEmitter&) = delete;

  void document(const Value& root) {
    yaml_event_t event;
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(event);
    yaml_document_start_event_initialize(&event, nullptr, nullptr, nullptr, 1);
    emit(event);
    value(root);
    yaml_document_end_event_initialize(&event, 1);
    emit(event);
    yaml_stream_end_event_initialize(&event);
    emit(event);
    yaml_emitter_flush(&emitter_);
  }

 private:
  void emit(yaml_event_t& event) { yaml_emitter_emit(&emitter_, &event); }

  void value(const Value& v) {
    switch (v.type) {
      case ValueType::kMap:
        return mapping(v.as_node());
      case ValueType::kList:
        return sequence(v.as_node());
      case ValueType::kString:
        return text(v.as_text());
      case ValueType::kBool:
        return scalar(v.as_bool() ? "true" : "false", YAML_PLAIN_SCALAR_STYLE);
      case ValueType::kInt:
        return scalar(std::to_string(v.as_int()), YAML_PLAIN_SCALAR_STYLE);
      case ValueType::kDouble:
        return scalar(float_text(v.as_double()), YAML_PLAIN_SCALAR_STYLE);
      default:
        return scalar("null", YAML_PLAIN_SCALAR_STYLE);
    }
  }

  void mapping(const Node& map) {
    std::vector<uint32_t> order;
    for (uint32_t i = 0; i < map.size; i += 2) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return yaml_key_less(map.data[a].as_text(), map.data[b].as_text());
    });
    yaml_event_t event;
    yaml_mapping_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_MAPPING_STYLE);
    emit(event);
    for (uint32_t i : order) {
      text(map.data[i].as_text());
      value(map.data[i + 1]);
    }
    yaml_mapping_end_event_initialize(&event);
    emit(event);
  }

  void sequence(const Node& list) {
    yaml_event_t event;
    yaml_sequence_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_SEQUENCE_STYLE);
    emit(event);
    for (const Value& item : list.items()) value(item);
    yaml_sequence_end_event_initialize(&event);
    emit(event);
  }

  void text(std::string_view s) {
    yaml_scalar_style_t style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (s.find('\n') != std::string_view::npos) {
      style = YAML_LITERAL_SCALAR_STYLE;
    } else if (resolve_yaml(s).type == YamlScalar::Type::kString && !is_base60(s)) {
      style = YAML_PLAIN_SCALAR_STYLE;
    }
    scalar(s, style);
  }

  void scalar(std::string_view s, yaml_scalar_style_t style) {
    yaml_event_t event;
    bool plain = style == YAML_PLAIN_SCALAR_STYLE;
    yaml_scalar_event_initialize(&event, nullptr, nullptr,
                                 reinterpret_cast<const yaml_char_t*>(s.data()),
                                 static_cast<int>(s.size()), plain ? 1 : 0, 1, style);
    emit(event);
  }

  yaml_emitter_t emitter_;
};

}  // namespace

void json_to_yaml(std::string_view json, std::string& out) {
  Arena arena;
  Result<Value> value = decode_json_any(json, arena);
  if (value) YamlEmitter(out).document(*value);
}

}  // namespace tiphys::codec
