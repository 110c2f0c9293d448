// Codecs: bytes to objects and back, guided by the schema. One decoder and one encoder per format.
//
// Pure; safe from any thread. Decoders treat input as hostile: depth, size and counts are bounded
// (limits.h), errors are BadRequest with upstream's wording, nothing is kept of failed input.
// Output is byte for byte upstream's: JSON as Go's encoding/json writes it (declaration order,
// HTML-escaped, maps sorted), protobuf as gogo's generated marshallers.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/limits.h"
#include "object/object.h"
#include "schema/message.h"

namespace tiphys::codec {

enum class Format : uint8_t { kJson, kYaml, kProtobuf };

// What a lenient decode noticed, in input order, worded as upstream's strict decoder:
// `unknown field "spec.foo"`, `duplicate field "spec.bar"`.
struct DecodeNotes {
  std::vector<std::string> problems;
};

// ---- whole objects, with kind and apiVersion ----

// Decodes an object. Its type is found from apiVersion and kind in the input (or the protobuf
// envelope); where the input omits them, `expected` is used (may be null). An unregistered kind is
// BadRequest: no kind "X" is registered for version "Y" in scheme "...".
// notes may be null.
Result<Draft> decode_object(Format format, std::string_view bytes, const schema::Kind* expected,
                            DecodeNotes* notes);
// Kinds that are no part of the API: those of a component's configuration file.
struct Scheme {
  std::span<const schema::Kind> kinds;
  std::string_view name;  // what errors call it
};
// The same for a kind of `scheme`, in JSON or YAML.
Result<Draft> decode_object_of(const Scheme& scheme, Format format, std::string_view bytes,
                               const schema::Kind* expected, DecodeNotes* notes);
// Encodes with kind and apiVersion (gvk; may be null for none). Appends to out.
// kJson has no final newline (the server adds Go's); kYaml is block style as sigs.k8s.io/yaml.
void encode_object(Format format, const schema::Message& type, const Node& root,
                   const GroupVersionKind* gvk, std::string& out);
// The object's encoding, made at most once (Object::encoding_slot). Loop thread only. JSON or
// protobuf; JSON without final newline.
Bytes encode_shared(Format format, const Object& object);

// ---- parts ----

// JSON of one struct, no type meta. Input `text` is one JSON value.
Result<Node*> decode_json(std::string_view text, const schema::Message& type, Arena& arena,
                          DecodeNotes* notes);
void encode_json(const schema::Message& type, const Node& root, std::string& out);
// Untyped JSON as kMap/kList/scalars (field kind kAny); integers that fit int64 are kInt. Duplicate
// members become notes (may be null); the last one counts.
Result<Value> decode_json_any(std::string_view text, Arena& arena, DecodeNotes* notes = nullptr);
void encode_json_any(const Value& value, std::string& out);
void append_json_string(std::string_view text, std::string& out);  // quoted, Go's HTML escapes
// YAML (one document) to compact JSON text, go-yaml v2 resolution as sigs.k8s.io/yaml does it.
// Duplicate keys become one note, worded as go-yaml's error; the last one counts.
Result<std::string> yaml_to_json(std::string_view yaml, DecodeNotes* notes = nullptr);
// Protobuf of one struct, without envelope.
Result<Node*> decode_protobuf(std::string_view bytes, const schema::Message& type, Arena& arena);
void encode_protobuf(const schema::Message& type, const Node& root, std::string& out);
// runtime.Unknown envelope: "k8s\0" + {typeMeta, raw, contentEncoding, contentType}.
struct Envelope {
  std::string_view api_version;
  std::string_view kind;
  std::string_view raw;
  std::string_view content_type;
};
Result<Envelope> decode_envelope(std::string_view bytes);
void encode_envelope(std::string_view api_version, std::string_view kind, std::string_view raw,
                     std::string& out);
// Tree of a typed struct as untyped JSON and back (patches of unknown shape, apply).
Value to_any(const schema::Message& type, const Node& root, Arena& arena);
Result<Node*> from_any(const Value& any, const schema::Message& type, Arena& arena,
                       DecodeNotes* notes);

}  // namespace tiphys::codec
