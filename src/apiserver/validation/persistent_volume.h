// Validation of PersistentVolumes (pkg/apis/core/validation upstream, v1.35). Pure. What a source
// needs are rows of its message.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// old: null at creation. The source, the mode and the node affinity stay as they are.
void validate_persistent_volume(core_v1::PersistentVolume volume,
                                const core_v1::PersistentVolume* old, FieldErrors& errors);

// A volume that is written out where it is used; of the CSI sources only.
void validate_inline_volume(core_v1::PersistentVolumeSpec spec, const FieldPath& path,
                            FieldErrors& errors);

}  // namespace tiphys::apiserver
