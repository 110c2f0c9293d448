// Validation of pods and pod templates (pkg/apis/core/validation upstream, v1.35). Pure.
//
// The parts have files of their own: volume.h, container.h and container_parts.h, resources.h,
// affinity.h; what is plain data about a message is in api/v1.35/validation.json.
#pragma once
#include "apiserver/registry/field_error.h"
#include "apiserver/validation/pod_scope.h"

namespace tiphys::apiserver {

void validate_pod_spec(const PodScope& scope, const FieldPath& path, FieldErrors& errors);

// A template of a workload; old: of the object before (ratcheting), or null at creation.
void validate_pod_template(core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                           FieldErrors& errors, const core_v1::PodTemplateSpec* old = nullptr);

// Its labels and annotations alone.
void validate_template_metadata(core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                                FieldErrors& errors, const core_v1::PodTemplateSpec* old);

// A PodTemplate object; old: null at creation.
void validate_pod_template_object(core_v1::PodTemplate object, const core_v1::PodTemplate* old,
                                  FieldErrors& errors);

void validate_pod_create(core_v1::Pod pod, FieldErrors& errors);
// What an update of a pod may change: images, activeDeadlineSeconds (shorter), tolerations
// (additions), scheduling gates (removals), terminationGracePeriodSeconds (negative to 1); of a
// gated pod also its node selector and node affinity (narrower). pod_update.cc.
void validate_pod_update(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors);
void validate_pod_status_update(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors);

// Metadata's own annotations and the spec of a pod, as at each write of it.
void validate_pod(core_v1::Pod pod, const core_v1::Pod* old, FieldErrors& errors);

// pod_annotations.cc: annotations that mean something to pods; `path` is metadata.annotations.
void validate_pod_annotations(MapView<std::string_view> annotations, core_v1::PodSpec spec,
                              bool any_deletion_cost, const FieldPath& path, FieldErrors& errors);
void validate_pod_annotation_updates(core_v1::Pod pod, core_v1::Pod old, const FieldPath& path,
                                     FieldErrors& errors);
// Old annotations that say otherwise than the field that took their place; `path` is the spec's.
void validate_profile_annotations(MapView<std::string_view> annotations, core_v1::PodSpec spec,
                                  const FieldPath& path, FieldErrors& errors);
bool is_deletion_cost(std::string_view text);

// pod_leniency.cc: what the old spec and annotations let an update keep.
PodLeniency pod_leniency(core_v1::PodSpec old, MapView<std::string_view> annotations);

}  // namespace tiphys::apiserver
