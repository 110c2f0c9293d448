// Daemon placement: which nodes a DaemonSet's pods belong on, and what its pods look like. Pure.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/ (how daemon pods are
// scheduled, taints and tolerations) and k8s.io/kubernetes pkg/controller/daemon/util.
#pragma once
#include <string_view>

#include "kinds/apps_v1.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

inline constexpr std::string_view kTemplateGenerationAnnotation =
    "deprecated.daemonset.template.generation";
inline constexpr std::string_view kTemplateGenerationLabel = "pod-template-generation";

struct NodeFit {
  bool should_run = false;  // a pod is to be there
  bool may_stay = false;    // a pod that is there keeps running
  bool operator==(const NodeFit&) const = default;
};

// The set's template as its pods get it: with the tolerations of daemon pods, the label of the
// template's generation, and that of the revision unless `hash` is empty.
Draft daemon_template(const apps_v1::DaemonSet& set, std::string_view hash);
// `spec` is that of such a template.
NodeFit node_fit(const core_v1::PodSpec& spec, const core_v1::Node& node);

// A pod for one node: its node affinity names the node, for the scheduler to bind it there.
ObjectPtr daemon_pod(const Object& base, std::string_view node);
// The node that a daemon pod is on or waits for; empty: it doesn't say.
std::string_view target_node(const core_v1::Pod& pod);
// It is of this revision, or of the set's template generation.
bool is_pod_updated(const core_v1::Pod& pod, std::string_view hash, std::string_view generation);

}  // namespace tiphys::controllers
