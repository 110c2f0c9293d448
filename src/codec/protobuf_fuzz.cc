// Protobuf of a message that the first byte chooses: what decodes must encode to bytes that decode
// to the same bytes, and be writable as JSON.
#include <cstdlib>

#include "codec/codec.h"

using namespace tiphys;
using namespace tiphys::codec;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)decode_object(Format::kProtobuf, bytes, nullptr, nullptr);
  auto kinds = schema::all_kinds();
  const schema::Message& type = *kinds[data[0] % kinds.size()].message;
  Arena arena;
  Result<Node*> node = decode_protobuf(bytes, type, arena);
  if (!node) return 0;
  std::string json;
  encode_json(type, **node, json);
  std::string first;
  encode_protobuf(type, **node, first);
  Result<Node*> again = decode_protobuf(first, type, arena);
  if (!again) abort();
  std::string second;
  encode_protobuf(type, **again, second);
  if (first != second) abort();
  return 0;
}
