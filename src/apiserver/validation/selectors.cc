#include "apiserver/validation/selectors.h"

#include "apiserver/validation/checks.h"
#include "apiserver/validation/names.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kTotalAnnotationBytes = 256 * 1024;

void validate_requirement(meta_v1::LabelSelectorRequirement requirement, bool any_values,
                          const FieldPath& path, FieldErrors& errors) {
  std::string_view op = requirement.operator_();
  if (op == "In" || op == "NotIn") {
    if (requirement.values().empty()) {
      errors.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
    }
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (!requirement.values().empty()) {
      errors.forbidden(path.child("values"),
                       "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else {
    errors.invalid(path.child("operator"), op, "not a valid selector operator");
  }
  for (const std::string& message : check_qualified_name(requirement.key())) {
    errors.invalid(path.child("key"), requirement.key(), message);
  }
  for (size_t i = 0; i < requirement.values().size() && !any_values; ++i) {
    std::string_view value = requirement.values()[i];
    for (const std::string& message : check_label_value(value)) {
      errors.invalid(path.child("values").index(i), value, message);
    }
  }
}

bool requirement_matches(meta_v1::LabelSelectorRequirement requirement,
                         const MapView<std::string_view>& labels) {
  std::string_view op = requirement.operator_();
  bool present = labels.contains(requirement.key());
  if (op == "Exists") return present;
  if (op == "DoesNotExist") return !present;
  bool listed = false;
  std::string_view value = labels.find(requirement.key());
  for (std::string_view candidate : requirement.values()) {
    listed = listed || (present && candidate == value);
  }
  return op == "In" ? listed : !listed;
}

}  // namespace

void validate_labels(const MapView<std::string_view>& labels, const FieldPath& path,
                     FieldErrors& errors) {
  for (auto [key, value] : labels) {
    for (const std::string& message : check_qualified_name(key)) {
      errors.invalid(path, key, message);
    }
    for (const std::string& message : check_label_value(value)) {
      errors.invalid(path, value, message);
    }
  }
}

void validate_annotations(const MapView<std::string_view>& annotations, const FieldPath& path,
                          FieldErrors& errors) {
  size_t total = 0;
  for (auto [key, value] : annotations) {
    for (const std::string& message : check_qualified_name(to_lower(key))) {
      errors.invalid(path, key, message);
    }
    total += key.size() + value.size();
  }
  if (total > kTotalAnnotationBytes) {
    errors.too_long(path, static_cast<int>(kTotalAnnotationBytes));
  }
}

void validate_template_metadata(meta_v1::ObjectMeta meta, const FieldPath& path,
                                FieldErrors& errors) {
  constexpr std::string_view kAllowed[] = {"annotations", "labels"};
  validate_annotations(meta.annotations(), path.child("annotations"), errors);
  validate_labels(meta.labels(), path.child("labels"), errors);
  check_only_fields(meta_v1::ObjectMeta::message_type(), meta.node(), kAllowed, "cannot be set",
                    path, errors);
}

void validate_label_selector(meta_v1::LabelSelector selector, const FieldPath& path,
                             FieldErrors& errors, bool any_values) {
  validate_labels(selector.match_labels(), path.child("matchLabels"), errors);
  for (size_t i = 0; i < selector.match_expressions().size(); ++i) {
    validate_requirement(selector.match_expressions()[i], any_values,
                         path.child("matchExpressions").index(i), errors);
  }
}

bool selector_matches(meta_v1::LabelSelector selector, const MapView<std::string_view>& labels) {
  for (auto [key, value] : selector.match_labels()) {
    if (!labels.contains(key) || labels.find(key) != value) return false;
  }
  for (meta_v1::LabelSelectorRequirement requirement : selector.match_expressions()) {
    if (!requirement_matches(requirement, labels)) return false;
  }
  return true;
}

}  // namespace tiphys::apiserver
