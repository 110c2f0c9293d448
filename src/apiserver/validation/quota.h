// Validation of LimitRanges and ResourceQuotas (pkg/apis/core/validation upstream, v1.35). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// old: null at creation. A limit range has nothing that must stay.
void validate_limit_range(core_v1::LimitRange range, const core_v1::LimitRange* old,
                          FieldErrors& errors);
void validate_resource_quota(core_v1::ResourceQuota quota, const core_v1::ResourceQuota* old,
                             FieldErrors& errors);
void validate_resource_quota_status(core_v1::ResourceQuota quota, const core_v1::ResourceQuota* old,
                                    FieldErrors& errors);

}  // namespace tiphys::apiserver
