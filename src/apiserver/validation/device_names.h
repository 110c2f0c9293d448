// Names that devices go by and the JSON that their drivers get (resource.k8s.io). Pure.
// Upstream: pkg/apis/resource/validation.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/resource_v1.h"

namespace tiphys::apiserver {

// DNS subdomains with slashes between them.
void check_pool_name(std::string_view name, const FieldPath& path, FieldErrors& errors);
void check_device_name(std::string_view name, const FieldPath& path, FieldErrors& errors);
// A UUID in lower case, with its hyphens.
void check_share_id(std::string_view id, const FieldPath& path, FieldErrors& errors);

// "name" or "domain/name": what attributes and capacities go by; full: with the domain.
void check_device_key(std::string_view key, const FieldPath& path, FieldErrors& errors);
void check_full_device_key(std::string_view key, const FieldPath& path, FieldErrors& errors);
// The path of a map's entry. A long key is shown without its middle.
FieldPath entry_path(const FieldPath& map, std::string_view key, size_t max_bytes);

// A JSON object, required. stored: it is as it was, so its size is not checked.
void check_driver_json(std::string_view json, bool stored, const FieldPath& path,
                       FieldErrors& errors);
void check_device_configuration(resource_v1::DeviceConfiguration configuration, bool stored,
                                const FieldPath& path, FieldErrors& errors);

// Conditions that a claim waits for before its pod is bound. path: of what has both lists.
void check_binding_conditions(const ListView<std::string_view>& conditions,
                              const ListView<std::string_view>& failures, const FieldPath& path,
                              FieldErrors& errors);

}  // namespace tiphys::apiserver
