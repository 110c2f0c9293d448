// Defaults of the built-in kinds that are more than the schema's default markers, as
// pkg/apis/<group>/v1/defaults.go upstream. Pure; edits only what is absent.
#pragma once
#include "kinds/core_v1.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

void apply_kind_defaults(const schema::Resource& resource, Draft& object);

// The parts that several kinds share.
void default_pod_spec(core_v1::PodSpecEdit spec);
// A pod template inside a workload: as default_pod_spec, without what only pods themselves get.
void default_pod_template(core_v1::PodTemplateSpecEdit pod_template);

}  // namespace tiphys::apiserver
