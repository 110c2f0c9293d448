// Names of resources: which are Kubernetes' own, which are whole numbers, which may be asked for
// where (pkg/apis/core/helper upstream). Pure.
#pragma once
#include <string_view>

#include "apiserver/registry/field_error.h"

namespace tiphys::apiserver {

bool is_native_resource(std::string_view name);  // no domain, or kubernetes.io's
bool is_huge_page_resource(std::string_view name);
bool is_extended_resource(std::string_view name);
bool is_integer_resource(std::string_view name);
bool is_overcommit_allowed(std::string_view name);
bool is_standard_quota_resource(std::string_view name);

// Format, and a known name if it has no domain.
void check_resource_name(std::string_view name, const FieldPath& path, FieldErrors& errors);
void check_container_resource_name(std::string_view name, const FieldPath& path,
                                   FieldErrors& errors);
void check_pod_resource_name(std::string_view name, const FieldPath& path, FieldErrors& errors);
void check_quota_resource_name(std::string_view name, const FieldPath& path, FieldErrors& errors);

// The amount of a resource: not negative, whole where the resource is counted.
void check_resource_amount(std::string_view name, std::string_view amount, const FieldPath& path,
                           FieldErrors& errors);

}  // namespace tiphys::apiserver
