// Validation of a pod's volumes. Pure; see pod.h. What one source needs are rows of its message;
// the functions that those rows call are in volume_calls.cc and projected_volume.cc.
#pragma once
#include "apiserver/validation/pod_scope.h"

namespace tiphys::apiserver {

// Returns the volumes that are valid, which mounts may name.
VolumesByName validate_volumes(const PodScope& pod, const FieldPath& path, FieldErrors& errors);

// One source among several that a message could hold: the field, and the names that upstream's
// paths have for it.
struct VolumeSourceRow {
  std::string_view field;
  std::string_view path;      // of its own errors; empty: the field's name
  std::string_view conflict;  // of "may not specify more than 1 volume type"; empty: as path
  bool besides = false;       // may stand beside another that comes before it
};

// Exactly one of the rows' fields; the source's own rows.
void validate_volume_sources(const schema::Message& type, const Node& node,
                             std::span<const VolumeSourceRow> rows, const FieldPath& path,
                             FieldErrors& errors);

// Sources of a projected volume and the paths that they fill (projected_volume.cc).
void validate_projected(core_v1::ProjectedVolumeSource source, bool any_token_path,
                        const FieldPath& path, FieldErrors& errors);

}  // namespace tiphys::apiserver
