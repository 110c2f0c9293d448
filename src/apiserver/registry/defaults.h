// Defaults of a decoded object (kinds/defaults.h). Applied after decoding and after mutating
// admission. Idempotent, pure.
#pragma once
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

inline constexpr std::string_view kTemplateGeneration = "deprecated.daemonset.template.generation";

// Leaves objects of another type than the resource's (a Scale, say) alone.
void apply_defaults(const schema::Resource& resource, Draft& object);

}  // namespace tiphys::apiserver
