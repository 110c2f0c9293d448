#include "client/answer_form.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/meta_v1.h"

namespace tiphys::client {

namespace {

using As = Request::As;

// Other members than metadata and items are left out.
Result<ObjectPtr> decode_metadata(std::string_view body, As as) {
  const schema::Message& type = as == As::kMetadataList
                                    ? meta_v1::PartialObjectMetadataList::message()
                                    : meta_v1::PartialObjectMetadata::message();
  Draft draft(type, type.gvk);
  TIPHYS_TRY(Node*, root, codec::decode_json(body, type, draft.arena(), nullptr));
  draft.set_root(root);
  return draft.freeze();
}

std::string types(bool json, const std::string& parameters) {
  std::string text = json ? "" : std::string(kProtobufType) + parameters + ",";
  return text + std::string(kJsonType) + parameters;
}

}  // namespace

std::string_view media_type(std::string_view content_type) {
  return trim(content_type.substr(0, content_type.find(';')));
}

std::string accept_header(As as, bool json) {
  if (as == As::kObject) return types(json, "");
  std::string kind = as == As::kMetadata ? "PartialObjectMetadata" : "PartialObjectMetadataList";
  return types(json, ";as=" + kind + ";g=meta.k8s.io;v=v1") + "," + std::string(kJsonType);
}

std::string watch_accept_header(As as, bool json) {
  if (as != As::kObject) return accept_header(As::kMetadata, json);
  return (json ? "" : std::string(kProtobufType) + ";stream=watch,") + std::string(kJsonType);
}

Result<ObjectPtr> decode_answer(std::string_view content_type, std::string_view body, As as) {
  bool protobuf = media_type(content_type) == kProtobufType;
  codec::Format format = protobuf ? codec::Format::kProtobuf : codec::Format::kJson;
  Result<Draft> draft = codec::decode_object(format, body, nullptr, nullptr);
  if (draft) return draft->freeze();
  if (protobuf || as == As::kObject) return draft.error();
  return decode_metadata(body, as);
}

}  // namespace tiphys::client
