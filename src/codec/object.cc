// Whole objects: finding the type, kind and apiVersion, shared encodings.
#include "base/strings.h"
#include "codec/codec.h"
#include "codec/json_decoder.h"
#include "codec/json_encoder.h"
#include "codec/json_reader.h"
#include "codec/yaml.h"

namespace tiphys::codec {
namespace {

struct TypeMeta {
  std::string api_version;
  std::string kind;
};

Result<std::string> read_string_member(JsonReader& reader, std::string_view name) {
  char c = reader.peek_value();
  if (c == '"') return std::string(reader.string());
  reader.skip_value();
  if (c == 'n' || c == 0) return std::string();
  std::string_view found = c == '{'               ? "object"
                           : c == '['             ? "array"
                           : c == 't' || c == 'f' ? "bool"
                                                  : "number";
  return ApiStatus::bad_request(
      "couldn't get version/kind; json parse error: json: cannot unmarshal " + std::string(found) +
      " into Go struct field ." + std::string(name) + " of type string");
}

// The members kind and apiVersion of a JSON object; it is read only as far as they stand.
Result<TypeMeta> find_type_meta(std::string_view text) {
  JsonReader reader(text);
  TypeMeta meta;
  bool has_kind = false;
  bool has_version = false;
  auto broken = [&] {
    return ApiStatus::bad_request("couldn't get version/kind; json parse error: " +
                                  reader.error().message());
  };
  char c = reader.peek_value();
  if (c == 0) return broken();
  if (c != '{') {
    return ApiStatus::bad_request(
        "couldn't get version/kind; json parse error: json: cannot unmarshal " +
        std::string(c == '['   ? "array"
                    : c == '"' ? "string"
                    : c == 'n' ? "null"
                               : "number") +
        " into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; "
        "Kind string \"json:\\\"kind,omitempty\\\"\" }");
  }
  reader.enter_object();
  std::string_view key;
  while (!(has_kind && has_version) && reader.next_member(key)) {
    if (key == "kind") {
      TIPHYS_TRY(std::string, kind, read_string_member(reader, "kind"));
      meta.kind = kind;
      has_kind = true;
    } else if (key == "apiVersion") {
      TIPHYS_TRY(std::string, version, read_string_member(reader, "apiVersion"));
      meta.api_version = version;
      has_version = true;
    } else {
      reader.skip_value();
    }
  }
  if (reader.failed()) return broken();
  return meta;
}

// Where a type is looked for. The API's own kinds: no scheme.
constexpr std::string_view kApiScheme = "pkg/api/legacyscheme/scheme.go:30";

const schema::Kind* find_kind_in(const Scheme* scheme, const GroupVersionKind& gvk) {
  if (scheme == nullptr) return schema::find_kind(gvk.group, gvk.version, gvk.kind);
  for (const schema::Kind& kind : scheme->kinds) {
    if (kind.gvk == gvk) return &kind;
  }
  return nullptr;
}

Result<const schema::Kind*> find_type(const Scheme* scheme, const TypeMeta& meta,
                                      const schema::Kind* expected, std::string_view shown) {
  std::string_view group;
  std::string_view version = meta.api_version;
  if (size_t slash = version.find('/'); slash != std::string_view::npos) {
    group = version.substr(0, slash);
    version = version.substr(slash + 1);
    if (version.find('/') != std::string_view::npos) {
      return ApiStatus::bad_request("unexpected GroupVersion string: " + meta.api_version);
    }
  }
  std::string_view kind = meta.kind;
  if (expected != nullptr) {
    if (kind.empty()) kind = expected->gvk.kind;
    if (version.empty() && group.empty()) group = expected->gvk.group;
    if (version.empty() && group == expected->gvk.group) version = expected->gvk.version;
  }
  if (kind.empty()) {
    return ApiStatus::bad_request("Object 'Kind' is missing in '" + std::string(shown) + "'");
  }
  if (version.empty()) {
    return ApiStatus::bad_request("Object 'apiVersion' is missing in '" + std::string(shown) + "'");
  }
  GroupVersionKind gvk{group, version, kind};
  const schema::Kind* found = find_kind_in(scheme, gvk);
  if (found != nullptr) return found;
  return ApiStatus::bad_request("no kind " + go_quote(kind) + " is registered for version " +
                                go_quote(gvk.api_version()) + " in scheme " +
                                go_quote(scheme == nullptr ? kApiScheme : scheme->name));
}

Result<Draft> decode_json_object(const Scheme* scheme, std::string_view text,
                                 const schema::Kind* expected, DecodeNotes* notes) {
  TIPHYS_TRY(TypeMeta, meta, find_type_meta(text));
  TIPHYS_TRY(const schema::Kind*, kind, find_type(scheme, meta, expected, text));
  Draft draft(*kind->message, &kind->gvk);
  TIPHYS_TRY(Node*, root, decode_json(text, *kind->message, draft.arena(), notes));
  draft.set_root(root);
  return draft;
}

Result<Draft> decode_text(const Scheme* scheme, Format format, std::string_view bytes,
                          const schema::Kind* expected, DecodeNotes* notes) {
  if (format == Format::kJson) return decode_json_object(scheme, bytes, expected, notes);
  TIPHYS_TRY(std::string, json, yaml_to_json(bytes, notes));
  return decode_json_object(scheme, json, expected, notes);
}

Result<Draft> decode_protobuf_object(std::string_view bytes, const schema::Kind* expected) {
  TIPHYS_TRY(Envelope, envelope, decode_envelope(bytes));
  TypeMeta meta{std::string(envelope.api_version), std::string(envelope.kind)};
  TIPHYS_TRY(const schema::Kind*, kind, find_type(nullptr, meta, expected, ""));
  Draft draft(*kind->message, &kind->gvk);
  if (envelope.content_type == "application/json") {
    TIPHYS_TRY(Node*, root, decode_json(envelope.raw, *kind->message, draft.arena(), nullptr));
    draft.set_root(root);
    return draft;
  }
  TIPHYS_TRY(Node*, root, decode_protobuf(envelope.raw, *kind->message, draft.arena()));
  draft.set_root(root);
  return draft;
}

}  // namespace

Result<Draft> decode_object(Format format, std::string_view bytes, const schema::Kind* expected,
                            DecodeNotes* notes) {
  if (format == Format::kProtobuf) return decode_protobuf_object(bytes, expected);
  return decode_text(nullptr, format, bytes, expected, notes);
}

Result<Draft> decode_object_of(const Scheme& scheme, Format format, std::string_view bytes,
                               const schema::Kind* expected, DecodeNotes* notes) {
  return decode_text(&scheme, format, bytes, expected, notes);
}

void encode_object(Format format, const schema::Message& type, const Node& root,
                   const GroupVersionKind* gvk, std::string& out) {
  if (format == Format::kJson) {
    JsonEncoder(out).write_object(type, root, gvk);
  } else if (format == Format::kYaml) {
    std::string json;
    JsonEncoder(json).write_object(type, root, gvk);
    json_to_yaml(json, out);
  } else {
    std::string raw;
    encode_protobuf(type, root, raw);
    bool named = gvk != nullptr && type.type_meta;
    encode_envelope(named ? gvk->api_version() : "", named ? gvk->kind : "", raw, out);
  }
}

Bytes encode_shared(Format format, const Object& object) {
  Bytes& slot = object.encoding_slot(format == Format::kProtobuf ? 1 : 0);
  if (slot == nullptr) {
    auto text = std::make_shared<std::string>();
    encode_object(format, object.type(), object.root(), object.gvk(), *text);
    slot = std::move(text);
  }
  return slot;
}

}  // namespace tiphys::codec
