// What the subresources ephemeralcontainers and resize of a pod may change (upstream v1.35:
// pkg/registry/core/pod/strategy.go and pkg/apis/core/validation). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// Take everything but the subresource's part from the old pod: other changes are dropped, without
// an error. metadata.generation counts what is left.
void keep_ephemeral_containers_only(Draft& pod, const Object& old);
void keep_resources_only(Draft& pod, const Object& old);

// After that. Ephemeral containers are added, never changed or removed.
void validate_ephemeral_containers_update(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors);
// cpu and memory of containers and sidecars change, as long as the QoS class stays.
void validate_pod_resize(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors);

}  // namespace tiphys::apiserver
