#include "scheduler/pod_info.h"

#include <algorithm>

namespace tiphys::scheduler {
namespace {

std::vector<Toleration> tolerations_of(const core_v1::PodSpec& spec) {
  std::vector<Toleration> made;
  for (core_v1::Toleration t : spec.tolerations()) {
    made.push_back({std::string(t.key()), std::string(t.value()), std::string(t.effect()),
                    t.operator_() == "Exists"});
  }
  return made;
}

// The labels named by matchLabelKeys join the selector, with the pod's own values (KEP-3243). The
// API server does that too, unless it is an older one.
void merge_label_keys(std::optional<LabelMatch>& match, const ListView<std::string_view>& keys,
                      const Labels& own) {
  if (!match) return;
  for (std::string_view key : keys) {
    if (!own.contains(key)) continue;
    Requirement wanted{std::string(key), Requirement::Operator::kIn, {std::string(own.find(key))}};
    if (std::ranges::find(match->requirements, wanted) == match->requirements.end()) {
      match->requirements.push_back(std::move(wanted));
    }
  }
}

PodAffinityTerm affinity_term(const core_v1::PodAffinityTerm& term, const PodInfo& pod,
                              int32_t weight) {
  PodAffinityTerm made;
  made.topology_key = term.topology_key();
  made.weight = weight;
  for (std::string_view ns : term.namespaces()) made.match.namespaces.emplace_back(ns);
  made.match.namespace_selector =
      from_label_selector(term.has_namespace_selector(), term.namespace_selector());
  if (made.match.namespaces.empty() && !made.match.namespace_selector) {
    made.match.namespaces.emplace_back(pod.ns);
  }
  std::sort(made.match.namespaces.begin(), made.match.namespaces.end());
  made.match.labels = from_label_selector(term.has_label_selector(), term.label_selector());
  // matchLabelKeys and mismatchLabelKeys: the API server has merged them into the selector.
  return made;
}

template <class List>
std::vector<PodAffinityTerm> required_terms(const List& list, const PodInfo& pod) {
  std::vector<PodAffinityTerm> made;
  for (core_v1::PodAffinityTerm term : list) made.push_back(affinity_term(term, pod, 0));
  return made;
}

template <class List>
std::vector<PodAffinityTerm> preferred_terms(const List& list, const PodInfo& pod) {
  std::vector<PodAffinityTerm> made;
  for (core_v1::WeightedPodAffinityTerm weighted : list) {
    made.push_back(affinity_term(weighted.pod_affinity_term(), pod, weighted.weight()));
  }
  return made;
}

void take_affinity(PodInfo& pod, const core_v1::Affinity& affinity) {
  core_v1::NodeAffinity node = affinity.node_affinity();
  pod.has_required_terms = node.has_required_during_scheduling_ignored_during_execution();
  for (core_v1::NodeSelectorTerm term :
       node.required_during_scheduling_ignored_during_execution().node_selector_terms()) {
    pod.required_terms.push_back(from_node_term(term));
  }
  for (core_v1::PreferredSchedulingTerm term :
       node.preferred_during_scheduling_ignored_during_execution()) {
    pod.preferred_terms.push_back({from_node_term(term.preference()), term.weight()});
  }
  core_v1::PodAffinity with = affinity.pod_affinity();
  core_v1::PodAntiAffinity apart = affinity.pod_anti_affinity();
  pod.affinity = required_terms(with.required_during_scheduling_ignored_during_execution(), pod);
  pod.anti_affinity =
      required_terms(apart.required_during_scheduling_ignored_during_execution(), pod);
  pod.preferred_affinity =
      preferred_terms(with.preferred_during_scheduling_ignored_during_execution(), pod);
  pod.preferred_anti_affinity =
      preferred_terms(apart.preferred_during_scheduling_ignored_during_execution(), pod);
}

std::vector<SpreadConstraint> spread_of(const core_v1::PodSpec& spec, const Labels& own) {
  std::vector<SpreadConstraint> made;
  for (core_v1::TopologySpreadConstraint c : spec.topology_spread_constraints()) {
    SpreadConstraint constraint = from_spread_constraint(c);
    merge_label_keys(constraint.labels, c.match_label_keys(), own);
    made.push_back(std::move(constraint));
  }
  return made;
}

std::vector<std::string> images_of(const core_v1::PodSpec& spec) {
  std::vector<std::string> images;
  for (core_v1::Container c : spec.init_containers()) images.push_back(normalized_image(c.image()));
  for (core_v1::Container c : spec.containers()) images.push_back(normalized_image(c.image()));
  return images;
}

}  // namespace

SpreadConstraint from_spread_constraint(const core_v1::TopologySpreadConstraint& c) {
  SpreadConstraint made{.topology_key = std::string(c.topology_key()),
                        .max_skew = std::max(1, c.max_skew()),
                        .min_domains = c.has_min_domains() ? c.min_domains() : 1,
                        .hard = c.when_unsatisfiable() != "ScheduleAnyway"};
  made.honor_node_affinity = c.node_affinity_policy() != "Ignore";
  made.honor_taints = c.node_taints_policy() == "Honor";
  made.labels = from_label_selector(c.has_label_selector(), c.label_selector());
  return made;
}

std::string normalized_image(std::string_view image) {
  size_t colon = image.rfind(':'), slash = image.rfind('/');
  bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  return std::string(image) + (tagged ? "" : ":latest");
}

namespace {

bool preempted_by_scheduler(const core_v1::Pod& pod) {
  for (core_v1::PodCondition condition : pod.status().conditions()) {
    if (condition.type() != "DisruptionTarget") continue;
    return condition.status() == "True" && condition.reason() == "PreemptionByScheduler";
  }
  return false;
}

}  // namespace

PodInfo::PodInfo(ObjectPtr pod) : object(std::move(pod)) {
  core_v1::Pod p = view();
  meta_v1::ObjectMeta metadata = p.metadata();
  core_v1::PodSpec spec = p.spec();
  ns = metadata.namespace_();
  name = metadata.name();
  key = std::string(ns) + "/" + std::string(name);
  uid = metadata.uid();
  labels = metadata.labels();
  node_name = spec.node_name();
  scheduler_name = spec.scheduler_name();
  priority = spec.priority();
  terminating = metadata.has_deletion_timestamp();
  preempted = terminating && preempted_by_scheduler(p);
  gated = !spec.scheduling_gates().empty();
  never_preempts = spec.preemption_policy() == "Never";
  requests = pod_requests(p);
  Resources nonzero = pod_nonzero_requests(p);
  nonzero_milli_cpu = nonzero.milli_cpu;
  nonzero_memory = nonzero.memory;
  ports = kinds::host_ports(spec);
  claims = claims_of(p);
  disks = inline_disks_of(spec);
  has_resource_claims = !spec.resource_claims().empty();
  images = images_of(spec);
  node_selector = from_map(spec.node_selector());
  tolerations = tolerations_of(spec);
  spread = spread_of(spec, labels);
  take_affinity(*this, spec.affinity());
}

bool PodInfo::selects(const Labels& node_labels, std::string_view node) const {
  if (!node_selector.matches(node_labels)) return false;
  if (!has_required_terms) return true;
  return std::any_of(required_terms.begin(), required_terms.end(),
                     [&](const NodeTerm& term) { return term.matches(node_labels, node); });
}

bool PodInfo::tolerates(std::string_view taint_key, std::string_view value,
                        std::string_view effect) const {
  return std::any_of(tolerations.begin(), tolerations.end(), [&](const Toleration& t) {
    if (!t.effect.empty() && t.effect != effect) return false;
    if (!t.key.empty() && t.key != taint_key) return false;
    return t.exists || t.value == value;
  });
}

}  // namespace tiphys::scheduler
