#include "scheduler/configuration_profiles.h"

#include <algorithm>

#include "base/strings.h"
#include "scheduler/configuration_args.h"
#include "scheduler/configuration_validation.h"
#include "scheduler/plugin_points.h"

namespace tiphys::scheduler {
namespace {

using namespace scheduler_v1;

// ---- arguments ----

std::vector<ResourceWeight> weights_of(const ListView<ResourceSpec>& from) {
  std::vector<ResourceWeight> made;
  for (ResourceSpec resource : from) {
    made.push_back({std::string(resource.name()), resource.weight()});
  }
  return made;
}

std::vector<ShapePoint> shape_of(const ListView<UtilizationShapePoint>& from) {
  std::vector<ShapePoint> made;
  for (UtilizationShapePoint point : from) made.push_back({point.utilization(), point.score()});
  return made;
}

std::vector<std::string> texts_of(const ListView<std::string_view>& from) {
  return {from.begin(), from.end()};
}

FitArgs::Strategy strategy_of(std::string_view type) {
  if (type == "MostAllocated") return FitArgs::Strategy::kMostAllocated;
  if (type == "RequestedToCapacityRatio") return FitArgs::Strategy::kRequestedToCapacityRatio;
  return FitArgs::Strategy::kLeastAllocated;
}

Result<FitArgs> fit_args(const KubeSchedulerProfile& profile, const ListView<Extender>& extenders) {
  Draft draft = args_of(profile, "NodeResourcesFit");
  NodeResourcesFitArgs args(draft);
  FieldProblems problems;
  validate_fit_args(args, problems);
  if (Result<void> valid = problems.result(); !valid) {
    return ApiStatus::bad_request("initializing plugin \"NodeResourcesFit\": " +
                                  valid.error().message());
  }
  ScoringStrategy strategy = args.scoring_strategy();
  FitArgs made{.ignored_resources = texts_of(args.ignored_resources()),
               .ignored_resource_groups = texts_of(args.ignored_resource_groups()),
               .strategy = strategy_of(strategy.type()),
               .resources = weights_of(strategy.resources()),
               .shape = shape_of(strategy.requested_to_capacity_ratio().shape())};
  for (Extender extender : extenders) {
    for (ExtenderManagedResource resource : extender.managed_resources()) {
      if (!resource.ignored_by_scheduler()) continue;
      made.ignored_resources.emplace_back(resource.name());
    }
  }
  return made;
}

void take_node_affinity(const KubeSchedulerProfile& profile, PluginArgs& args) {
  Draft draft = args_of(profile, "NodeAffinity");
  core_v1::NodeAffinity added = NodeAffinityArgs(draft).added_affinity();
  args.has_added_terms = added.has_required_during_scheduling_ignored_during_execution();
  for (core_v1::NodeSelectorTerm term :
       added.required_during_scheduling_ignored_during_execution().node_selector_terms()) {
    args.added_terms.push_back(from_node_term(term));
  }
  for (core_v1::PreferredSchedulingTerm term :
       added.preferred_during_scheduling_ignored_during_execution()) {
    args.added_preferred_terms.push_back({from_node_term(term.preference()), term.weight()});
  }
}

void take_spread(const KubeSchedulerProfile& profile, PluginArgs& args) {
  Draft draft = args_of(profile, "PodTopologySpread");
  PodTopologySpreadArgs spread(draft);
  args.system_default_spreading = spread.defaulting_type() == "System";
  for (core_v1::TopologySpreadConstraint constraint : spread.default_constraints()) {
    args.default_spread.push_back(from_spread_constraint(constraint));
  }
}

void take_small_args(const KubeSchedulerProfile& profile, PluginArgs& args) {
  Draft affinity = args_of(profile, "InterPodAffinity");
  InterPodAffinityArgs pods(affinity);
  args.hard_pod_affinity_weight = pods.hard_pod_affinity_weight();
  args.ignore_preferred_terms_of_existing_pods = pods.ignore_preferred_terms_of_existing_pods();
  Draft preemption = args_of(profile, "DefaultPreemption");
  DefaultPreemptionArgs preempts(preemption);
  args.min_candidate_nodes_percentage = preempts.min_candidate_nodes_percentage();
  args.min_candidate_nodes_absolute = preempts.min_candidate_nodes_absolute();
  Draft balance = args_of(profile, "NodeResourcesBalancedAllocation");
  args.balanced_resources = weights_of(NodeResourcesBalancedAllocationArgs(balance).resources());
  Draft volumes = args_of(profile, "VolumeBinding");
  args.bind_timeout = std::chrono::seconds(VolumeBindingArgs(volumes).bind_timeout_seconds());
}

// ---- plugins ----

// What runs together here: a plugin's parts at these points are one.
struct PointPair {
  Point needs;
  Point by;
};
// Filtering needs what preFilter prepared, scoring what preScore did; a reservation is kept by
// preBind.
constexpr PointPair kPairs[] = {{Point::kPreFilter, Point::kFilter},
                                {Point::kPreScore, Point::kScore},
                                {Point::kFilter, Point::kReserve},
                                {Point::kReserve, Point::kPreBind},
                                {Point::kPreBind, Point::kReserve}};
// Of these preFilter alone would still reject pods.
constexpr std::string_view kDecideInPreFilter[] = {"NodeAffinity", "VolumeRestrictions",
                                                   "VolumeBinding", "VolumeZone"};

ApiStatus not_alone(std::string_view plugin, Point point, Point without) {
  return ApiStatus::bad_request("plugin " + go_quote(plugin) + " at " +
                                std::string(point_field(point).field) + " without " +
                                std::string(point_field(without).field) + " is not supported");
}

Result<void> check_parts(const EnabledPlugins& plugins) {
  for (const KnownPlugin& plugin : known_plugins()) {
    auto on = [&](Point point) { return plugins.enabled(point, plugin.name); };
    for (const PointPair& pair : kPairs) {
      if (!plugin.has(pair.needs) || !on(pair.by) || on(pair.needs)) continue;
      return not_alone(plugin.name, pair.by, pair.needs);
    }
    bool decides =
        std::ranges::find(kDecideInPreFilter, plugin.name) != std::end(kDecideInPreFilter);
    if (decides && on(Point::kPreFilter) && !on(Point::kFilter)) {
      return not_alone(plugin.name, Point::kPreFilter, Point::kFilter);
    }
    if (plugin.has(Point::kReserve) && on(Point::kFilter) && !on(Point::kReserve)) {
      return not_alone(plugin.name, Point::kFilter, Point::kReserve);
    }
  }
  return {};
}

Result<void> check_required(const EnabledPlugins& plugins, std::string_view name) {
  size_t sorters = plugins.at(Point::kQueueSort).size();
  if (sorters != 1) {
    return ApiStatus::bad_request(
        "only one queue sort plugin required for profile with scheduler name " + go_quote(name) +
        ", but got " + std::to_string(sorters));
  }
  if (plugins.at(Point::kBind).empty()) {
    return ApiStatus::bad_request(
        "at least one bind plugin is needed for profile with scheduler "
        "name " +
        go_quote(name));
  }
  return check_parts(plugins);
}

Result<Profile> make_profile(const KubeSchedulerConfiguration& config,
                             const KubeSchedulerProfile& from) {
  TIPHYS_TRY(FitArgs, fit, fit_args(from, config.extenders()));
  TIPHYS_TRY(EnabledPlugins, plugins, expand_plugins(from.plugins()));
  if (Result<void> valid = check_required(plugins, from.scheduler_name()); !valid) {
    return valid.error();
  }
  Profile profile;
  profile.scheduler_name = from.scheduler_name();
  for (const std::string& name : plugins.at(Point::kFilter)) {
    const scheduler::Plugin* plugin = find_plugin(name);
    if (plugin->make_checker != nullptr) profile.filters.push_back(plugin);
  }
  for (const std::string& name : plugins.at(Point::kScore)) {
    const scheduler::Plugin* plugin = find_plugin(name);
    if (plugin->make_scorer == nullptr) continue;
    profile.scorers.push_back({plugin, plugins.weights.find(name)->second});
  }
  profile.preempts = plugins.enabled(Point::kPostFilter, "DefaultPreemption");
  profile.holds_gated = plugins.enabled(Point::kPreEnqueue, "SchedulingGates");
  profile.percentage_of_nodes_to_score = from.has_percentage_of_nodes_to_score()
                                             ? from.percentage_of_nodes_to_score()
                                             : config.percentage_of_nodes_to_score();
  profile.args.fit = std::move(fit);
  take_small_args(from, profile.args);
  take_node_affinity(from, profile.args);
  take_spread(from, profile.args);
  return profile;
}

}  // namespace

Result<std::vector<Profile>> make_profiles(const KubeSchedulerConfiguration& config) {
  std::vector<Profile> profiles;
  for (KubeSchedulerProfile from : config.profiles()) {
    Result<Profile> made = make_profile(config, from);
    if (!made) {
      return ApiStatus::bad_request("initializing profiles: creating profile for scheduler name " +
                                    std::string(from.scheduler_name()) + ": " +
                                    made.error().message());
    }
    profiles.push_back(std::move(*made));
  }
  return profiles;
}

}  // namespace tiphys::scheduler
