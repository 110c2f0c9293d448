// What writes to an endpoint never set, and so never own. Pure.
// Upstream: GetResetFields and GetResetFieldsFilter of the strategies.
#pragma once
#include <string_view>

#include "apiserver/managed_fields/field_set.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// The object: all but its status. status: all but the spec and what of metadata it leaves alone.
// ephemeralcontainers and resize: their part of the spec.
void remove_reset_fields(const schema::Message& type, const schema::Resource& resource,
                         std::string_view subresource, FieldSet& set);

}  // namespace tiphys::apiserver
