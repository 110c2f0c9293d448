// The annotation in which kubectl's client-side apply keeps what it applied, as server-side apply
// by kubectl takes over from it. Pure.
// Upstream: apimachinery/pkg/util/managedfields/internal/lastapplied*.go.
#pragma once
#include "apiserver/managed_fields/field_set.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

inline constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
inline constexpr std::string_view kKubectl = "kubectl";  // the manager that migrates

// The fields that the annotation of `live` sets and that still are as it sets them: a kubectl may
// take them without force. Empty if there is no annotation that can be read.
FieldSet last_applied_fields(const schema::Resource& resource, const Object& live);
// Keeps an annotation that the object has in step with the configuration just applied (an untyped
// tree with kind and apiVersion). One that would make the annotations too large goes.
void update_last_applied(Draft& object, const Value& config);

}  // namespace tiphys::apiserver
