// Validation of label selectors and labels (apimachinery/pkg/apis/meta/v1/validation). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/meta_v1.h"
#include "kinds/view.h"

namespace tiphys::apiserver {

void validate_labels(const MapView<std::string_view>& labels, const FieldPath& path,
                     FieldErrors& errors);
void validate_annotations(const MapView<std::string_view>& annotations, const FieldPath& path,
                          FieldErrors& errors);
// The metadata of a template of claims: labels and annotations alone.
void validate_template_metadata(meta_v1::ObjectMeta meta, const FieldPath& path,
                                FieldErrors& errors);
// any_values: values need not be label values (what an old object may keep).
void validate_label_selector(meta_v1::LabelSelector selector, const FieldPath& path,
                             FieldErrors& errors, bool any_values = false);
// True if `labels` satisfy the selector; an invalid or empty selector matches as upstream's
// LabelSelectorAsSelector (empty: everything).
bool selector_matches(meta_v1::LabelSelector selector, const MapView<std::string_view>& labels);

}  // namespace tiphys::apiserver
