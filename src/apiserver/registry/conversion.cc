#include "apiserver/registry/conversion.h"

#include "apiserver/registry/convert_event.h"
#include "apiserver/registry/convert_hpa.h"

namespace tiphys::apiserver {

const schema::Message& storage_type(const schema::Resource& resource) {
  return resource.storage_message ? *resource.storage_message : *resource.message;
}

const GroupVersionKind& storage_gvk(const schema::Resource& resource) {
  const GroupVersionKind* gvk = storage_type(resource).gvk;
  return gvk ? *gvk : resource.type->gvk;
}

bool needs_conversion(const schema::Resource& resource) {
  return &storage_type(resource) != resource.message;
}

Draft to_storage_version(const schema::Resource& resource, Draft object) {
  if (!needs_conversion(resource)) return object;
  if (resource.group == "events.k8s.io") return event_to_core(object);
  if (resource.group == "autoscaling") return hpa_v1_to_v2(object);
  return object;
}

ObjectPtr from_storage_version(const schema::Resource& resource, ObjectPtr object) {
  if (!object || !needs_conversion(resource)) return object;
  if (resource.group == "events.k8s.io") return event_from_core(*object);
  if (resource.group == "autoscaling") return hpa_v2_to_v1(*object);
  return object;
}

}  // namespace tiphys::apiserver
