// PodInfo: what the scheduler needs of a pod, extracted once per object version. Immutable.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kinds/host_ports.h"
#include "object/object.h"
#include "scheduler/label_match.h"
#include "scheduler/pod_volumes.h"
#include "scheduler/resources.h"

namespace tiphys::scheduler {

using kinds::HostPort;

struct Toleration {
  std::string key;
  std::string value;
  std::string effect;
  bool exists = false;  // operator Exists
};

struct WeightedNodeTerm {
  NodeTerm term;
  int32_t weight = 0;
};

// Which pods a term or constraint speaks of.
struct PodMatch {
  std::vector<std::string> namespaces;           // sorted
  std::optional<LabelMatch> namespace_selector;  // in addition to namespaces
  std::optional<LabelMatch> labels;              // nullopt: no pod
};

struct PodAffinityTerm {
  PodMatch match;
  std::string topology_key;
  int32_t weight = 0;  // of preferred terms
};

struct SpreadConstraint {
  std::string topology_key;
  int32_t max_skew = 1;
  int32_t min_domains = 1;
  bool hard = true;  // DoNotSchedule
  bool honor_node_affinity = true;
  bool honor_taints = false;
  std::optional<LabelMatch> labels;
};

// `labels` is the constraint's own selector; matchLabelKeys are not merged.
SpreadConstraint from_spread_constraint(const core_v1::TopologySpreadConstraint& constraint);

struct PodInfo {
  explicit PodInfo(ObjectPtr pod);

  ObjectPtr object;
  std::string key;  // "namespace/name"
  std::string uid;
  std::string_view ns;  // views into `object`
  std::string_view name;
  Labels labels;
  std::string_view node_name;
  std::string_view scheduler_name;
  int32_t priority = 0;
  bool terminating = false;
  bool preempted = false;  // terminating because a more important pod needs the room
  bool gated = false;
  bool never_preempts = false;

  Resources requests;
  int64_t nonzero_milli_cpu = 0;
  int64_t nonzero_memory = 0;
  std::vector<HostPort> ports;
  std::vector<PodClaim> claims;
  std::vector<InlineDisk> disks;
  bool has_resource_claims = false;
  std::vector<std::string> images;  // of containers, init containers too, normalised
  LabelMatch node_selector;
  bool has_required_terms = false;
  std::vector<NodeTerm> required_terms;  // ORed
  std::vector<WeightedNodeTerm> preferred_terms;
  std::vector<Toleration> tolerations;
  std::vector<SpreadConstraint> spread;
  std::vector<PodAffinityTerm> affinity, anti_affinity;  // required
  std::vector<PodAffinityTerm> preferred_affinity, preferred_anti_affinity;

  core_v1::Pod view() const { return core_v1::Pod(*object); }
  // nodeSelector and required node affinity.
  bool selects(const Labels& node_labels, std::string_view node) const;
  bool tolerates(std::string_view key, std::string_view value, std::string_view effect) const;
};
using PodPtr = std::shared_ptr<const PodInfo>;

// "nginx" -> "nginx:latest" (upstream's normalizedImageName).
std::string normalized_image(std::string_view image);

}  // namespace tiphys::scheduler
