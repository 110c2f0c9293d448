// Validation of pods and pod templates (pkg/apis/core/validation upstream, v1.35). Pure.
// Covers names, containers, ports, environment, volumes and their mounts, probes, resources,
// restart and DNS policies, host namespaces, affinity-free scheduling fields; see README for what
// is left.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

void validate_pod_spec(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors);
void validate_pod_template(core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                           FieldErrors& errors);
// What an update of a pod may change: images, activeDeadlineSeconds, tolerations (additions),
// scheduling gates (removals), terminationGracePeriodSeconds (negative to 1).
void validate_pod_update(core_v1::Pod pod, core_v1::Pod old, FieldErrors& errors);

}  // namespace tiphys::apiserver
