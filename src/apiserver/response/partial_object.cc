#include "apiserver/response/partial_object.h"

#include "apiserver/registry/meta.h"

namespace tiphys::apiserver {
namespace {

const GroupVersionKind& gvk_of(std::string_view version) {
  static const GroupVersionKind kV1{"meta.k8s.io", "v1", "PartialObjectMetadata"};
  static const GroupVersionKind kV1Beta1{"meta.k8s.io", "v1beta1", "PartialObjectMetadata"};
  return version == "v1" ? kV1 : kV1Beta1;
}

// Upstream takes the metadata of its internal object, where this is a field of the spec.
constexpr std::string_view kTemplateGeneration = "deprecated.daemonset.template.generation";

bool is_daemon_set(const schema::Message& type) {
  return type.name == "k8s.io.api.apps.v1.DaemonSet";
}

}  // namespace

ObjectPtr partial_object(const Object& object, std::string_view version, bool typed) {
  static const schema::Message* message =
      schema::find_message("k8s.io.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata");
  Draft draft(*message, typed ? &gvk_of(version) : nullptr);
  if (object.type().metadata_field < 0) return draft.freeze();
  const Value& metadata = object.root().field(static_cast<uint16_t>(object.type().metadata_field));
  if (!metadata.is_null()) {
    set_field(draft.arena(), draft.root(), static_cast<uint16_t>(message->metadata_field),
              draft.arena().clone(metadata));
  }
  if (is_daemon_set(object.type())) MetaEdit(draft).remove_annotation(kTemplateGeneration);
  return draft.freeze();
}

}  // namespace tiphys::apiserver
