#include "kinds/quota_scopes.h"

#include <algorithm>

#include "kinds/quota_usage.h"

namespace tiphys::kinds {
namespace {

struct Term {
  std::string_view scope;
  std::string_view op;
  ListView<std::string_view> values;
};

bool has_value(const Term& term, std::string_view wanted) {
  for (std::string_view value : term.values) {
    if (value == wanted) return true;
  }
  return false;
}

// As a label selector on a label of the scope's name; "" : the label is absent.
bool selects(const Term& term, std::string_view value) {
  if (term.op == "In") return !value.empty() && has_value(term, value);
  if (term.op == "NotIn") return value.empty() || !has_value(term, value);
  if (term.op == "Exists") return !value.empty();
  return term.op == "DoesNotExist" && value.empty();
}

bool is_cross_namespace(const core_v1::PodAffinityTerm& term) {
  return !term.namespaces().empty() || term.has_namespace_selector();
}

template <class Affinity>
bool is_cross_namespace(const Affinity& affinity) {
  for (const auto& term : affinity.required_during_scheduling_ignored_during_execution()) {
    if (is_cross_namespace(term)) return true;
  }
  for (const auto& term : affinity.preferred_during_scheduling_ignored_during_execution()) {
    if (is_cross_namespace(term.pod_affinity_term())) return true;
  }
  return false;
}

bool matches(const Term& term, const core_v1::Pod& pod) {
  core_v1::PodSpec spec = pod.spec();
  if (term.scope == "Terminating") return is_terminating(pod);
  if (term.scope == "NotTerminating") return !is_terminating(pod);
  if (term.scope == "BestEffort") return qos_class(spec) == "BestEffort";
  if (term.scope == "NotBestEffort") return qos_class(spec) != "BestEffort";
  if (term.scope == "PriorityClass") return selects(term, spec.priority_class_name());
  if (term.scope == "CrossNamespacePodAffinity") {
    return is_cross_namespace(spec.affinity().pod_affinity()) ||
           is_cross_namespace(spec.affinity().pod_anti_affinity());
  }
  return false;
}

bool matches(const Term& term, const core_v1::PersistentVolumeClaim& claim) {
  if (term.scope != "VolumeAttributesClass") return false;
  std::set<std::string> classes = volume_attributes_classes(claim);
  if (classes.empty()) return selects(term, "");
  return std::any_of(classes.begin(), classes.end(),
                     [&](const std::string& one) { return selects(term, one); });
}

std::vector<Term> terms_of(const core_v1::ResourceQuotaSpec& quota) {
  std::vector<Term> terms;
  for (std::string_view scope : quota.scopes()) terms.push_back({scope, "Exists", {}});
  for (const auto& one : quota.scope_selector().match_expressions()) {
    terms.push_back({one.scope_name(), one.operator_(), one.values()});
  }
  return terms;
}

}  // namespace

bool is_terminating(const core_v1::Pod& pod) {
  return pod.spec().has_active_deadline_seconds() && pod.spec().active_deadline_seconds() >= 0;
}

std::set<std::string> volume_attributes_classes(const core_v1::PersistentVolumeClaim& claim) {
  std::set<std::string> classes;
  for (std::string_view name :
       {claim.spec().volume_attributes_class_name(),
        claim.status().current_volume_attributes_class_name(),
        claim.status().modify_volume_status().target_volume_attributes_class_name()}) {
    if (!name.empty()) classes.emplace(name);
  }
  return classes;
}

bool in_quota_scopes(const core_v1::ResourceQuotaSpec& quota, std::string_view group,
                     std::string_view resource, const Node& root) {
  for (const Term& term : terms_of(quota)) {
    bool inside = false;
    if (group.empty() && resource == "pods") inside = matches(term, core_v1::Pod(root));
    if (group.empty() && resource == "persistentvolumeclaims") {
      inside = matches(term, core_v1::PersistentVolumeClaim(root));
    }
    if (!inside) return false;
  }
  return true;
}

}  // namespace tiphys::kinds
