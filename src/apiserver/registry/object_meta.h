// Rules of metadata that hold for every kind: what the server sets, what may not change, names.
// Upstream: apimachinery/pkg/api/validation/objectmeta.go, apiserver/pkg/registry/rest. Pure.
#pragma once
#include <string_view>

#include "apiserver/registry/field_error.h"
#include "apiserver/registry/meta.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxAnnotationBytes = 256 * 1024;  // TotalAnnotationSizeLimitB

void validate_object_meta(const schema::Resource& resource, const MetaView& meta,
                          FieldErrors& errors);
// The generic check and the kind's own ones: as often as upstream says each error.
void validate_object_meta_update(const schema::Resource& resource, std::string_view subresource,
                                 const MetaView& meta, const MetaView& old, FieldErrors& errors);

}  // namespace tiphys::apiserver
