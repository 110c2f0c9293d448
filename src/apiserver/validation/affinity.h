// Validation of what places pods on nodes: node selectors, affinity, spread constraints,
// tolerations and taints. Pure.
#pragma once
#include "apiserver/validation/pod_scope.h"

namespace tiphys::apiserver {

// lenient: label values of node selector terms are not checked (ratcheting).
void validate_node_selector(core_v1::NodeSelector selector, bool lenient, const FieldPath& path,
                            FieldErrors& errors);
void validate_affinity(core_v1::Affinity affinity, const PodLeniency& allow, const FieldPath& path,
                       FieldErrors& errors);
void validate_pod_affinity_selectors(core_v1::PodAffinityTerm term, bool lenient,
                                     const FieldPath& path, FieldErrors& errors);
void validate_spread_constraints(core_v1::PodSpec spec, const PodLeniency& allow,
                                 const FieldPath& path, FieldErrors& errors);
// matchLabelKeys and mismatchLabelKeys beside a label selector.
void validate_label_keys(const ListView<std::string_view>& match,
                         const ListView<std::string_view>& mismatch, bool has_selector,
                         meta_v1::LabelSelector selector, const FieldPath& path,
                         FieldErrors& errors);
void validate_tolerations(const ListView<core_v1::Toleration>& tolerations, const FieldPath& path,
                          FieldErrors& errors);
void validate_taints(const ListView<core_v1::Taint>& taints, const FieldPath& path,
                     FieldErrors& errors);
// Label values of required terms that are no label values.
bool has_invalid_node_values(core_v1::NodeSelector selector);

}  // namespace tiphys::apiserver
