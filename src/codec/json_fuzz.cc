// JSON as an object of a kind the first byte chooses: what decodes must encode, decode again to an
// equal tree, and survive protobuf.
#include <cstdlib>

#include "codec/codec.h"

using namespace tiphys;
using namespace tiphys::codec;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto kinds = schema::all_kinds();
  const schema::Kind& kind = kinds[data[0] % kinds.size()];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  DecodeNotes notes;
  Result<Draft> draft = decode_object(Format::kJson, text, &kind, &notes);
  if (!draft) return 0;
  std::string json;
  encode_object(Format::kJson, draft->type(), draft->root(), draft->gvk(), json);
  Result<Draft> again = decode_object(Format::kJson, json, &kind, nullptr);
  if (!again) abort();
  std::string second;
  encode_object(Format::kJson, again->type(), again->root(), again->gvk(), second);
  if (json != second) abort();
  if (!draft->type().on_wire) return 0;
  std::string protobuf;
  encode_object(Format::kProtobuf, draft->type(), draft->root(), draft->gvk(), protobuf);
  if (!decode_object(Format::kProtobuf, protobuf, &kind, nullptr)) abort();
  return 0;
}
