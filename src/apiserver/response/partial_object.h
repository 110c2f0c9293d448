// PartialObjectMetadata of an object: its metadata under a kind of meta.k8s.io. Pure.
#pragma once
#include <string_view>

#include "object/object.h"

namespace tiphys::apiserver {

// version: of meta.k8s.io, "v1" or "v1beta1". typed: with kind and apiVersion (list items have
// them too, as upstream encodes them; then the flag only chooses the shared encoding).
ObjectPtr partial_object(const Object& object, std::string_view version, bool typed);

}  // namespace tiphys::apiserver
