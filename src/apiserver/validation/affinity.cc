#include "apiserver/validation/affinity.h"

#include <set>

#include "apiserver/validation/checks.h"
#include "apiserver/validation/selectors.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kUnsatisfiable[] = {"DoNotSchedule", "ScheduleAnyway"};
constexpr std::string_view kInclusion[] = {"Honor", "Ignore"};
constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr std::string_view kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";

void validate_node_requirement(core_v1::NodeSelectorRequirement requirement, bool lenient,
                               const FieldPath& path, FieldErrors& errors) {
  std::string_view op = requirement.operator_();
  size_t count = requirement.values().size();
  FieldPath values = path.child("values");
  if (op == "In" || op == "NotIn") {
    if (count == 0) {
      errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
    }
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (count > 0) {
      errors.forbidden(values,
                       "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (op == "Gt" || op == "Lt") {
    if (count != 1) {
      errors.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
  } else {
    errors.invalid(path.child("operator"), op, "not a valid selector operator");
  }
  errors.invalid_all(path.child("key"), requirement.key(), check_qualified_name(requirement.key()));
  for (size_t i = 0; i < count && !lenient; ++i) {
    std::string_view value = requirement.values()[i];
    errors.invalid_all(values.index(i), value, check_label_value(value));
  }
}

// metadata.name is the one field of nodes that can be selected by.
void validate_field_requirement(core_v1::NodeSelectorRequirement requirement, const FieldPath& path,
                                FieldErrors& errors) {
  std::string_view op = requirement.operator_();
  if (op != "In" && op != "NotIn") {
    errors.invalid(path.child("operator"), op, "not a valid selector operator");
  } else if (requirement.values().size() != 1) {
    errors.required(path.child("values"),
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field "
                    "selector");
  }
  if (requirement.key() != "metadata.name") {
    errors.invalid(path.child("key"), requirement.key(), "not a valid field selector key");
    return;
  }
  for (size_t i = 0; i < requirement.values().size(); ++i) {
    std::string_view value = requirement.values()[i];
    errors.invalid_all(path.child("values").index(i), value, check_dns1123_subdomain(value));
  }
}

void validate_node_term(core_v1::NodeSelectorTerm term, bool lenient, const FieldPath& path,
                        FieldErrors& errors) {
  for (size_t i = 0; i < term.match_expressions().size(); ++i) {
    validate_node_requirement(term.match_expressions()[i], lenient,
                              path.child("matchExpressions").index(i), errors);
  }
  for (size_t i = 0; i < term.match_fields().size(); ++i) {
    validate_field_requirement(term.match_fields()[i], path.child("matchFields").index(i), errors);
  }
}

void check_weight(int32_t weight, const FieldPath& path, FieldErrors& errors) {
  if (weight <= 0 || weight > 100) {
    errors.invalid(path.child("weight"), weight, "must be in the range 1-100");
  }
}

void validate_node_affinity(core_v1::NodeAffinity affinity, const PodLeniency& allow,
                            const FieldPath& path, FieldErrors& errors) {
  if (affinity.has_required_during_scheduling_ignored_during_execution()) {
    validate_node_selector(affinity.required_during_scheduling_ignored_during_execution(),
                           allow.node_values, path.child(kRequired), errors);
  }
  auto preferred = affinity.preferred_during_scheduling_ignored_during_execution();
  for (size_t i = 0; i < preferred.size(); ++i) {
    FieldPath at = path.child(kPreferred).index(i);
    check_weight(preferred[i].weight(), at, errors);
    validate_node_term(preferred[i].preference(), true, at.child("preference"), errors);
  }
}

void validate_pod_term(core_v1::PodAffinityTerm term, bool lenient, const FieldPath& path,
                       FieldErrors& errors) {
  validate_pod_affinity_selectors(term, lenient, path, errors);
  for (std::string_view name : term.namespaces()) {
    errors.invalid_all(path.child("namespace"), name, check_dns1123_label(name));
  }
  validate_label_keys(term.match_label_keys(), term.mismatch_label_keys(),
                      term.has_label_selector(), term.label_selector(), path, errors);
  if (term.topology_key().empty()) {
    errors.required(path.child("topologyKey"), "can not be empty");
  }
  errors.invalid_all(path.child("topologyKey"), term.topology_key(),
                     check_qualified_name(term.topology_key()));
}

// PodAffinity and PodAntiAffinity have the same fields.
template <class AffinityView>
void validate_pod_terms(AffinityView affinity, const PodLeniency& allow, const FieldPath& path,
                        FieldErrors& errors) {
  auto required = affinity.required_during_scheduling_ignored_during_execution();
  for (size_t i = 0; i < required.size(); ++i) {
    validate_pod_term(required[i], allow.selector_values, path.child(kRequired).index(i), errors);
  }
  auto preferred = affinity.preferred_during_scheduling_ignored_during_execution();
  for (size_t i = 0; i < preferred.size(); ++i) {
    FieldPath at = path.child(kPreferred).index(i);
    check_weight(preferred[i].weight(), at, errors);
    validate_pod_term(preferred[i].pod_affinity_term(), allow.selector_values,
                      at.child("podAffinityTerm"), errors);
  }
}

void validate_keys(const ListView<std::string_view>& keys, bool has_selector, const FieldPath& path,
                   FieldErrors& errors) {
  if (keys.empty()) return;
  if (!has_selector) {
    errors.forbidden(path, "must not be specified when labelSelector is not set");
    return;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    errors.invalid_all(path.index(i), keys[i], check_qualified_name(keys[i]));
  }
}

size_t position_of(const ListView<std::string_view>& list, std::string_view wanted) {
  for (size_t i = list.size(); i > 0; --i) {
    if (list[i - 1] == wanted) return i - 1;
  }
  return list.size();
}

// A constraint of before selectors took in the keys: the selector may not have them.
void validate_plain_keys(core_v1::TopologySpreadConstraint constraint, const FieldPath& path,
                         FieldErrors& errors) {
  auto keys = constraint.match_label_keys();
  if (keys.empty()) return;
  if (!constraint.has_label_selector()) {
    errors.forbidden(path, "must not be specified when labelSelector is not set");
  }
  meta_v1::LabelSelector selector = constraint.label_selector();
  for (size_t i = 0; i < keys.size(); ++i) {
    errors.invalid_all(path.index(i), keys[i], check_qualified_name(keys[i]));
    bool selected = selector.match_labels().contains(keys[i]);
    for (auto requirement : selector.match_expressions()) selected |= requirement.key() == keys[i];
    if (selected) {
      errors.invalid(path.index(i), keys[i], "exists in both matchLabelKeys and labelSelector");
    }
  }
}

void validate_min_domains(core_v1::TopologySpreadConstraint constraint, const FieldPath& path,
                          FieldErrors& errors) {
  if (!constraint.has_min_domains()) return;
  check_positive(constraint.min_domains(), path, errors);
  if (constraint.when_unsatisfiable() == "DoNotSchedule") return;
  errors.invalid(path, constraint.min_domains(),
                 "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not " +
                     std::string(constraint.when_unsatisfiable()));
}

void validate_constraint(core_v1::TopologySpreadConstraint constraint, const PodLeniency& allow,
                         const FieldPath& path, FieldErrors& errors) {
  validate_min_domains(constraint, path.child("minDomains"), errors);
  if (constraint.has_node_affinity_policy()) {
    check_supported(constraint.node_affinity_policy(), kInclusion, path.child("nodeAffinityPolicy"),
                    errors);
  }
  if (constraint.has_node_taints_policy()) {
    check_supported(constraint.node_taints_policy(), kInclusion, path.child("nodeTaintsPolicy"),
                    errors);
  }
  if (allow.spread_keys) {
    validate_plain_keys(constraint, path.child("matchLabelKeys"), errors);
  } else {
    validate_label_keys(constraint.match_label_keys(), {}, constraint.has_label_selector(),
                        constraint.label_selector(), path, errors);
  }
  if (!allow.spread_selectors && constraint.has_label_selector()) {
    validate_label_selector(constraint.label_selector(), path.child("labelSelector"), errors);
  }
}

}  // namespace

void validate_node_selector(core_v1::NodeSelector selector, bool lenient, const FieldPath& path,
                            FieldErrors& errors) {
  auto terms = selector.node_selector_terms();
  FieldPath at = path.child("nodeSelectorTerms");
  if (terms.empty()) errors.required(at, "must have at least one node selector term");
  for (size_t i = 0; i < terms.size(); ++i) {
    validate_node_term(terms[i], lenient, at.index(i), errors);
  }
}

bool has_invalid_node_values(core_v1::NodeSelector selector) {
  for (core_v1::NodeSelectorTerm term : selector.node_selector_terms()) {
    for (core_v1::NodeSelectorRequirement requirement : term.match_expressions()) {
      for (std::string_view value : requirement.values()) {
        if (!check_label_value(value).empty()) return true;
      }
    }
  }
  return false;
}

void validate_pod_affinity_selectors(core_v1::PodAffinityTerm term, bool lenient,
                                     const FieldPath& path, FieldErrors& errors) {
  if (term.has_label_selector()) {
    validate_label_selector(term.label_selector(), path.child("labelSelector"), errors, lenient);
  }
  if (term.has_namespace_selector()) {
    validate_label_selector(term.namespace_selector(), path.child("namespaceSelector"), errors,
                            lenient);
  }
}

void validate_affinity(core_v1::Affinity affinity, const PodLeniency& allow, const FieldPath& path,
                       FieldErrors& errors) {
  if (affinity.has_node_affinity()) {
    validate_node_affinity(affinity.node_affinity(), allow, path.child("nodeAffinity"), errors);
  }
  if (affinity.has_pod_affinity()) {
    validate_pod_terms(affinity.pod_affinity(), allow, path.child("podAffinity"), errors);
  }
  if (affinity.has_pod_anti_affinity()) {
    validate_pod_terms(affinity.pod_anti_affinity(), allow, path.child("podAntiAffinity"), errors);
  }
}

void validate_label_keys(const ListView<std::string_view>& match,
                         const ListView<std::string_view>& mismatch, bool has_selector,
                         meta_v1::LabelSelector selector, const FieldPath& path,
                         FieldErrors& errors) {
  validate_keys(match, has_selector, path.child("matchLabelKeys"), errors);
  validate_keys(mismatch, has_selector, path.child("mismatchLabelKeys"), errors);
  std::set<std::string_view> selected;
  for (auto [key, value] : selector.match_labels()) selected.insert(key);
  for (meta_v1::LabelSelectorRequirement requirement : selector.match_expressions()) {
    size_t at = position_of(match, requirement.key());
    // The server itself adds one requirement for each key.
    if (at < match.size() && selected.contains(requirement.key())) {
      errors.invalid(path.index(at), requirement.key(),
                     "exists in both matchLabelKeys and labelSelector");
    }
    selected.insert(requirement.key());
  }
  for (size_t i = 0; i < match.size(); ++i) {
    if (position_of(mismatch, match[i]) == mismatch.size()) continue;
    errors.invalid(path.child("matchLabelKeys").index(i), match[i],
                   "exists in both matchLabelKeys and mismatchLabelKeys");
  }
}

void validate_spread_constraints(core_v1::PodSpec spec, const PodLeniency& allow,
                                 const FieldPath& path, FieldErrors& errors) {
  auto constraints = spec.topology_spread_constraints();
  // An earlier one is told of what comes again.
  std::multiset<std::pair<std::string_view, std::string_view>> later;
  for (core_v1::TopologySpreadConstraint constraint : constraints) {
    later.emplace(constraint.topology_key(), constraint.when_unsatisfiable());
  }
  for (size_t i = 0; i < constraints.size(); ++i) {
    core_v1::TopologySpreadConstraint constraint = constraints[i];
    FieldPath at = path.index(i);
    check_positive(constraint.max_skew(), at.child("maxSkew"), errors);
    if (constraint.topology_key().empty()) {
      errors.required(at.child("topologyKey"), "can not be empty");
    }
    check_supported(constraint.when_unsatisfiable(), kUnsatisfiable, at.child("whenUnsatisfiable"),
                    errors);
    std::pair pair(constraint.topology_key(), constraint.when_unsatisfiable());
    later.erase(later.find(pair));
    if (later.contains(pair)) {
      errors.duplicate(at.child("{topologyKey, whenUnsatisfiable}"),
                       "{" + std::string(pair.first) + ", " + std::string(pair.second) + "}");
    }
    validate_constraint(constraint, allow, at, errors);
  }
}

}  // namespace tiphys::apiserver
