// Validation of Services (pkg/apis/core/validation upstream, v1.35). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// old: null at creation.
void validate_service(core_v1::Service service, const core_v1::Service* old, FieldErrors& errors);
void validate_service_status(core_v1::Service service, const core_v1::Service* old,
                             FieldErrors& errors);

// service_families.cc: clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy among each other.
void validate_cluster_ips(core_v1::Service service, const core_v1::Service* old,
                          FieldErrors& errors);
// What stays of them once it is set.
void validate_cluster_ips_kept(core_v1::Service service, core_v1::Service old, FieldErrors& errors);
bool is_headless(core_v1::Service service);

}  // namespace tiphys::apiserver
