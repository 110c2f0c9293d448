// How the owners of a scalable object's spec.replicas look in the managedFields of its Scale, and
// back. Pure. Upstream: apimachinery/pkg/util/managedfields/scalehandler.go.
#pragma once
#include <string_view>

#include "apiserver/managed_fields/managers.h"

namespace tiphys::apiserver {

inline constexpr std::string_view kScaleApiVersion = "autoscaling/v1";

// The entries that own spec.replicas, as entries of the Scale.
Managers scale_entries(const Managers& parent);
// The object's entries after the Scale's became `scale`. `api_version` is that of the request's
// resource ("apps/v1"). Upstream takes the path from each Update entry that owned it and gives it
// an entry of its own, without a time; clients see it that way.
Managers merge_scale_entries(Managers parent, const Managers& scale, std::string_view api_version);

}  // namespace tiphys::apiserver
