// The protobuf entry points of codec.h, and the runtime.Unknown envelope around whole objects.
#include "codec/codec.h"
#include "codec/protobuf_decoder.h"
#include "codec/protobuf_writer.h"

namespace tiphys::codec {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);

bool decode_type_meta(std::string_view bytes, Envelope& envelope) {
  WireReader reader(bytes);
  uint32_t number = 0;
  uint32_t wire_type = 0;
  while (reader.next(number, wire_type)) {
    if (number == 1 && wire_type == 2) {
      envelope.api_version = reader.bytes();
    } else if (number == 2 && wire_type == 2) {
      envelope.kind = reader.bytes();
    } else {
      reader.skip(wire_type);
    }
  }
  return !reader.failed();
}

}  // namespace

Result<Node*> decode_protobuf(std::string_view bytes, const schema::Message& type, Arena& arena) {
  return ProtobufDecoder(arena).decode(bytes, type);
}

void encode_protobuf(const schema::Message& type, const Node& root, std::string& out) {
  ProtobufWriter writer;
  writer.message(type, root);
  out += writer.text();
}

Result<Envelope> decode_envelope(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) {
    return ApiStatus::bad_request(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  WireReader reader(bytes.substr(kMagic.size()));
  Envelope envelope;
  uint32_t number = 0;
  uint32_t wire_type = 0;
  bool sound = true;
  while (sound && reader.next(number, wire_type)) {
    if (wire_type != 2 || number > 4) {
      reader.skip(wire_type);
      continue;
    }
    std::string_view value = reader.bytes();
    if (number == 1) sound = decode_type_meta(value, envelope);
    if (number == 2) envelope.raw = value;
    if (number == 4) envelope.content_type = value;
  }
  if (!sound || reader.failed()) return ApiStatus::bad_request("unexpected EOF");
  return envelope;
}

void encode_envelope(std::string_view api_version, std::string_view kind, std::string_view raw,
                     std::string& out) {
  ProtobufWriter writer;
  writer.close_message(4, writer.length());
  writer.close_message(3, writer.length());
  size_t mark = writer.length();
  writer.bytes(raw);
  writer.close_message(2, mark);
  mark = writer.length();
  size_t inner = mark;
  writer.bytes(kind);
  writer.close_message(2, inner);
  inner = writer.length();
  writer.bytes(api_version);
  writer.close_message(1, inner);
  writer.close_message(1, mark);
  out += kMagic;
  out += writer.text();
}

}  // namespace tiphys::codec
