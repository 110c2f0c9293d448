// Validation of PersistentVolumeClaims and of claim templates (pkg/apis/core/validation upstream,
// v1.35). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// What an update may keep because the old claim has it already.
struct ClaimLeniency {
  bool selector_values = false;     // label values in the selector
  bool data_source_groups = false;  // API groups of dataSource and dataSourceRef
};

void validate_claim_spec(core_v1::PersistentVolumeClaimSpec spec, ClaimLeniency allow,
                         const FieldPath& path, FieldErrors& errors);
// old: null at creation. The spec is immutable but for: the volume's name once, the size of a bound
// claim (it grows, and shrinks no further than what is allotted), its VolumeAttributesClass, and a
// storage class where there was none.
void validate_claim(core_v1::PersistentVolumeClaim claim, const core_v1::PersistentVolumeClaim* old,
                    FieldErrors& errors);
void validate_claim_status(core_v1::PersistentVolumeClaim claim,
                           const core_v1::PersistentVolumeClaim* old, FieldErrors& errors);

// Access modes of claims and volumes: known, and ReadWriteOncePod alone.
void check_access_modes(const ListView<std::string_view>& modes, const FieldPath& path,
                        FieldErrors& errors);

}  // namespace tiphys::apiserver
