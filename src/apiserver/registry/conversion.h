// Conversion between the served and the stored version of a kind, where they differ: Events
// (core/v1 and events.k8s.io/v1) and HorizontalPodAutoscalers (autoscaling/v1 and v2). Pure.
// All other kinds are stored in the version in which they are served.
#pragma once
#include "base/result.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// The type in which the resource is stored.
const schema::Message& storage_type(const schema::Resource& resource);
const GroupVersionKind& storage_gvk(const schema::Resource& resource);
bool needs_conversion(const schema::Resource& resource);
Draft to_storage_version(const schema::Resource& resource, Draft object);
ObjectPtr from_storage_version(const schema::Resource& resource, ObjectPtr object);

}  // namespace tiphys::apiserver
