// Where objects are stored and how their bytes are read.
#include "apiserver/cacher/cacher_hub.h"
#include "apiserver/cacher/pending_object.h"
#include "codec/codec.h"

namespace tiphys::apiserver {

namespace {
constexpr std::string_view kProtobufMark("k8s\0", 4);
}

std::string store_key(const schema::Resource& resource, std::string_view ns,
                      std::string_view name) {
  std::string key(resource.etcd_prefix);
  if (!ns.empty()) key.append("/").append(ns);
  return key.append("/").append(name);
}

Result<ObjectPtr> decode_stored(const schema::Resource& resource, const storage::KeyValue& item) {
  const schema::Kind* kind = nullptr;
  const GroupVersionKind& gvk = resource.storage_gvk;
  kind = schema::find_kind(gvk.group, gvk.version, gvk.kind);
  bool protobuf = item.value->starts_with(kProtobufMark);
  auto format = protobuf ? codec::Format::kProtobuf : codec::Format::kJson;
  auto draft = codec::decode_object(format, *item.value, kind, nullptr);
  if (!draft) {
    return ApiStatus::internal("unable to decode the stored object " + item.key + ": " +
                               draft.error().message());
  }
  set_resource_version(*draft, item.mod_revision);
  return draft->freeze();
}

}  // namespace tiphys::apiserver
