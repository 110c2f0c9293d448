// What is valid in the arguments of plugins.
#include <set>

#include "base/strings.h"
#include "object/selector.h"
#include "scheduler/configuration_validation.h"

namespace tiphys::scheduler {
namespace {

using namespace scheduler_v1;

// ---- DefaultPreemption, InterPodAffinity ----

void check_preemption(const Draft& draft, const std::string& path, FieldProblems& problems) {
  DefaultPreemptionArgs args(draft);
  std::string percentage = path + ".minCandidateNodesPercentage";
  std::string absolute = path + ".minCandidateNodesAbsolute";
  int32_t share = args.min_candidate_nodes_percentage(),
          least = args.min_candidate_nodes_absolute();
  if (share < 0 || share > 100) problems.invalid(percentage, share, "not in valid range [0, 100]");
  if (least < 0) problems.invalid(absolute, least, "not in valid range [0, inf)");
  if (share != 0 || least != 0) return;
  problems.invalid(percentage, share,
                   "cannot be zero at the same time as minCandidateNodesAbsolute");
  problems.invalid(absolute, least,
                   "cannot be zero at the same time as minCandidateNodesPercentage");
}

void check_pod_affinity(const Draft& draft, const std::string& path, FieldProblems& problems) {
  int32_t weight = InterPodAffinityArgs(draft).hard_pod_affinity_weight();
  if (weight >= 0 && weight <= 100) return;
  problems.invalid(path + ".hardPodAffinityWeight", weight, "not in valid range [0, 100]");
}

// ---- NodeAffinity ----

std::optional<LabelSelector::Operator> label_operator(std::string_view name) {
  using Operator = LabelSelector::Operator;
  if (name == "In") return Operator::kIn;
  if (name == "NotIn") return Operator::kNotIn;
  if (name == "Exists") return Operator::kExists;
  if (name == "DoesNotExist") return Operator::kDoesNotExist;
  if (name == "Gt") return Operator::kGreaterThan;
  if (name == "Lt") return Operator::kLessThan;
  return std::nullopt;
}

std::vector<std::string> values_of(const core_v1::NodeSelectorRequirement& requirement) {
  std::vector<std::string> values;
  for (std::string_view value : requirement.values()) values.emplace_back(value);
  return values;
}

void check_expression(const core_v1::NodeSelectorRequirement& expression, const std::string& path,
                      FieldProblems& problems) {
  auto op = label_operator(expression.operator_());
  if (!op) {
    return problems.unsupported(path + ".operator", expression.operator_(),
                                {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"});
  }
  LabelSelector selector;
  Result<void> added = selector.add({std::string(expression.key()), *op, values_of(expression)});
  if (!added) problems.add(path + "." + added.error().message());
}

void check_field(const core_v1::NodeSelectorRequirement& field, const std::string& path,
                 FieldProblems& problems) {
  if (field.operator_() != "In" && field.operator_() != "NotIn") {
    return problems.unsupported(path + ".operator", field.operator_(), {"In", "NotIn"});
  }
  if (field.values().size() == 1) return;
  problems.invalid(path + ".values", quoted_list(values_of(field)), "must have one element");
}

void check_term(const core_v1::NodeSelectorTerm& term, const std::string& path,
                FieldProblems& problems) {
  size_t i = 0;
  for (core_v1::NodeSelectorRequirement expression : term.match_expressions()) {
    check_expression(expression, index_path(path + ".matchExpressions", i++), problems);
  }
  i = 0;
  for (core_v1::NodeSelectorRequirement field : term.match_fields()) {
    check_field(field, index_path(path + ".matchFields", i++), problems);
  }
}

void check_node_affinity(const Draft& draft, const std::string& path, FieldProblems& problems) {
  core_v1::NodeAffinity added = NodeAffinityArgs(draft).added_affinity();
  std::string at = path + ".addedAffinity.";
  size_t i = 0;
  for (core_v1::NodeSelectorTerm term :
       added.required_during_scheduling_ignored_during_execution().node_selector_terms()) {
    check_term(
        term,
        index_path(at + "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", i++),
        problems);
  }
  i = 0;
  for (core_v1::PreferredSchedulingTerm term :
       added.preferred_during_scheduling_ignored_during_execution()) {
    std::string where = index_path(at + "preferredDuringSchedulingIgnoredDuringExecution", i++);
    if (term.weight() != 0) check_term(term.preference(), where, problems);
  }
}

// ---- PodTopologySpread ----

void check_constraint(const core_v1::TopologySpreadConstraint& c, const std::string& path,
                      FieldProblems& problems) {
  if (c.max_skew() <= 0) {
    problems.invalid(path + ".maxSkew", c.max_skew(), "not in valid range (0, inf)");
  }
  if (c.topology_key().empty()) {
    problems.required(path + ".topologyKey", "can not be empty");
  } else {
    problems.label_name(path + ".topologyKey", c.topology_key());
  }
  std::string_view when = c.when_unsatisfiable();
  if (when.empty()) {
    problems.required(path + ".whenUnsatisfiable", "can not be empty");
  } else if (when != "DoNotSchedule" && when != "ScheduleAnyway") {
    problems.unsupported(path + ".whenUnsatisfiable", when, {"DoNotSchedule", "ScheduleAnyway"});
  }
  if (c.has_label_selector()) {
    problems.forbidden(path + ".labelSelector",
                       "constraint must not define a selector, as they deduced for each pod");
  }
}

void check_spread(const Draft& draft, const std::string& path, FieldProblems& problems) {
  PodTopologySpreadArgs args(draft);
  std::string_view type = args.defaulting_type();
  if (type != "System" && type != "List") {
    problems.unsupported(path + ".defaultingType", type, {"System", "List"});
  } else if (type == "System" && !args.default_constraints().empty()) {
    problems.invalid(path + ".defaultingType", go_quote(type),
                     "when .defaultConstraints are not empty");
  }
  std::set<std::string> seen;
  size_t i = 0;
  for (core_v1::TopologySpreadConstraint c : args.default_constraints()) {
    std::string where = index_path(path + ".defaultConstraints", i++);
    check_constraint(c, where, problems);
    std::string key =
        "{" + std::string(c.topology_key()) + ", " + std::string(c.when_unsatisfiable()) + "}";
    if (!seen.insert(key).second) problems.duplicate(where, go_quote(key));
  }
}

// ---- resources and shapes ----

void check_shape(const ListView<UtilizationShapePoint>& shape, const std::string& path,
                 FieldProblems& problems) {
  if (shape.empty()) return problems.required(path, "at least one point must be specified");
  for (size_t i = 1; i < shape.size(); ++i) {
    if (shape[i - 1].utilization() < shape[i].utilization()) continue;
    problems.invalid(index_path(path, i) + ".utilization", shape[i].utilization(),
                     "utilization values must be sorted in increasing order");
    break;
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    int32_t utilization = shape[i].utilization(), score = shape[i].score();
    if (utilization < 0 || utilization > 100) {
      problems.invalid(index_path(path, i) + ".utilization", utilization,
                       "not in valid range [0, 100]");
    }
    if (score < 0 || score > 10) {
      problems.invalid(index_path(path, i) + ".score", score, "not in valid range [0, 10]");
    }
  }
}

void check_balance(const Draft& draft, const std::string& path, FieldProblems& problems) {
  std::set<std::string_view> seen;
  size_t i = 0;
  for (ResourceSpec resource : NodeResourcesBalancedAllocationArgs(draft).resources()) {
    std::string where = index_path(path + ".resources", i++);
    if (!seen.insert(resource.name()).second) {
      problems.duplicate(where + ".name", go_quote(resource.name()));
    }
    if (resource.weight() != 1) problems.invalid(where + ".weight", resource.weight(), "must be 1");
  }
}

void check_volumes(const Draft& draft, const std::string& path, FieldProblems& problems) {
  VolumeBindingArgs args(draft);
  if (args.bind_timeout_seconds() < 0) {
    problems.invalid(path + ".bindTimeoutSeconds", args.bind_timeout_seconds(),
                     "invalid BindTimeoutSeconds, should not be a negative value");
  }
  if (!args.has_shape()) return;
  std::string shape;
  for (UtilizationShapePoint point : args.shape()) {
    shape += (shape.empty() ? "" : ",") + std::string("{\"Utilization\":") +
             std::to_string(point.utilization()) + ",\"Score\":" + std::to_string(point.score()) +
             "}";
  }
  problems.invalid(path + ".shape", "[" + shape + "]",
                   "unexpected field `shape`, remove it or turn on the feature gate "
                   "StorageCapacityScoring");
}

void check_strategy(const ScoringStrategy& strategy, FieldProblems& problems) {
  const std::string path = "scoringStrategy";
  std::string_view type = strategy.type();
  if (type != "LeastAllocated" && type != "MostAllocated" && type != "RequestedToCapacityRatio") {
    problems.unsupported(path + ".type", type,
                         {"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"});
  }
  size_t i = 0;
  for (ResourceSpec resource : strategy.resources()) {
    std::string where = index_path(path + ".resources", i++) + ".weight";
    if (resource.weight() > 0 && resource.weight() <= 100) continue;
    problems.invalid(
        where, resource.weight(),
        "resource weight of " + std::string(resource.name()) + " not in valid range (0, 100]");
  }
  std::string ratio = path + ".requestedToCapacityRatio";
  bool given = strategy.has_requested_to_capacity_ratio();
  if (type == "RequestedToCapacityRatio") {
    if (given) {
      check_shape(strategy.requested_to_capacity_ratio().shape(), ratio + ".shape", problems);
    } else {
      problems.required(ratio, "must be specified when type is RequestedToCapacityRatio");
    }
  } else if (given) {
    problems.forbidden(ratio, "must be nil when type is not RequestedToCapacityRatio");
  }
}

struct ArgsCheck {
  std::string_view plugin;
  void (*check)(const Draft&, const std::string&, FieldProblems&);
};
constexpr ArgsCheck kChecks[] = {
    {"DefaultPreemption", check_preemption}, {"InterPodAffinity", check_pod_affinity},
    {"NodeAffinity", check_node_affinity},   {"NodeResourcesBalancedAllocation", check_balance},
    {"PodTopologySpread", check_spread},     {"VolumeBinding", check_volumes},
};

}  // namespace

void validate_args(std::string_view plugin, const Draft& args, const std::string& path,
                   FieldProblems& problems) {
  for (const ArgsCheck& row : kChecks) {
    if (row.plugin == plugin) return row.check(args, path, problems);
  }
}

void validate_fit_args(const NodeResourcesFitArgs& args, FieldProblems& problems) {
  size_t i = 0;
  for (std::string_view name : args.ignored_resources()) {
    problems.label_name(index_path("ignoredResources", i++), name);
  }
  i = 0;
  for (std::string_view group : args.ignored_resource_groups()) {
    std::string path = index_path("ignoredResourceGroups", i++);
    if (group.find('/') != std::string_view::npos) {
      problems.invalid(path, go_quote(group), "resource group name can't contain '/'");
    }
    problems.label_name(path, group);
  }
  check_strategy(args.scoring_strategy(), problems);
}

}  // namespace tiphys::scheduler
