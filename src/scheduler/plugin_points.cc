#include "scheduler/plugin_points.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "scheduler/profile.h"

namespace tiphys::scheduler {
namespace {

using scheduler_v1::Plugins;
using scheduler_v1::PluginsEdit;
using scheduler_v1::PluginSet;
using scheduler_v1::PluginSetEdit;

constexpr PointField kFields[kPoints] = {
    {"preFilter", "PreFilterPlugin", &Plugins::pre_filter, &PluginsEdit::edit_pre_filter},
    {"filter", "FilterPlugin", &Plugins::filter, &PluginsEdit::edit_filter},
    {"postFilter", "PostFilterPlugin", &Plugins::post_filter, &PluginsEdit::edit_post_filter},
    {"reserve", "ReservePlugin", &Plugins::reserve, &PluginsEdit::edit_reserve},
    {"preScore", "PreScorePlugin", &Plugins::pre_score, &PluginsEdit::edit_pre_score},
    {"score", "ScorePlugin", &Plugins::score, &PluginsEdit::edit_score},
    {"preBind", "PreBindPlugin", &Plugins::pre_bind, &PluginsEdit::edit_pre_bind},
    {"bind", "BindPlugin", &Plugins::bind, &PluginsEdit::edit_bind},
    {"postBind", "PostBindPlugin", &Plugins::post_bind, &PluginsEdit::edit_post_bind},
    {"permit", "PermitPlugin", &Plugins::permit, &PluginsEdit::edit_permit},
    {"preEnqueue", "PreEnqueuePlugin", &Plugins::pre_enqueue, &PluginsEdit::edit_pre_enqueue},
    {"queueSort", "QueueSortPlugin", &Plugins::queue_sort, &PluginsEdit::edit_queue_sort},
};

constexpr Point kAtPreEnqueue[] = {Point::kPreEnqueue};
constexpr Point kAtQueueSort[] = {Point::kQueueSort};
constexpr Point kAtFilter[] = {Point::kFilter};
constexpr Point kAtBothFilters[] = {Point::kPreFilter, Point::kFilter};
constexpr Point kAtFilterAndScores[] = {Point::kFilter, Point::kPreScore, Point::kScore};
constexpr Point kAtFiltersAndScores[] = {Point::kPreFilter, Point::kFilter, Point::kPreScore,
                                         Point::kScore};
constexpr Point kAtScores[] = {Point::kPreScore, Point::kScore};
constexpr Point kAtScore[] = {Point::kScore};
constexpr Point kAtPostFilter[] = {Point::kPostFilter};
constexpr Point kAtBind[] = {Point::kBind};
constexpr Point kOfVolumeBinding[] = {Point::kPreFilter, Point::kFilter, Point::kReserve,
                                      Point::kPreScore,  Point::kScore,  Point::kPreBind};
constexpr Point kOfDynamicResources[] = {Point::kPreEnqueue, Point::kPreFilter, Point::kFilter,
                                         Point::kPostFilter, Point::kReserve,   Point::kPreBind};

constexpr KnownPlugin kPlugins[] = {
    {"SchedulingGates", kAtPreEnqueue, true, 0, true},
    {"PrioritySort", kAtQueueSort, true, 0, true},
    {"NodeUnschedulable", kAtFilter, true},
    {"NodeName", kAtFilter, true},
    {"TaintToleration", kAtFilterAndScores, true, 3},
    {"NodeAffinity", kAtFiltersAndScores, true, 2},
    {"NodePorts", kAtBothFilters, true},
    {"NodeResourcesFit", kAtFiltersAndScores, true, 1},
    {"VolumeRestrictions", kAtBothFilters, true},
    {"NodeVolumeLimits", kAtBothFilters, true},
    {"VolumeBinding", kOfVolumeBinding, true},
    {"VolumeZone", kAtBothFilters, true},
    {"PodTopologySpread", kAtFiltersAndScores, true, 2},
    {"InterPodAffinity", kAtFiltersAndScores, true, 2},
    {"DynamicResources", kOfDynamicResources, true},
    {"DefaultPreemption", kAtPostFilter, true, 0, true},
    {"NodeResourcesBalancedAllocation", kAtScores, true, 1},
    {"ImageLocality", kAtScore, true, 1},
    {"DefaultBinder", kAtBind, true, 0, true},
};

// ---- merging with the default set ----

// An entry of `enabled`.
struct Use {
  std::string name;
  std::optional<int32_t> weight;
};

Use use_of(const scheduler_v1::Plugin& plugin) {
  Use use{std::string(plugin.name()), std::nullopt};
  if (plugin.has_weight()) use.weight = plugin.weight();
  return use;
}

std::vector<Use> default_uses() {
  std::vector<Use> uses;
  for (const KnownPlugin& plugin : kPlugins) {
    if (!plugin.by_default || !plugin.supported()) continue;
    Use& use = uses.emplace_back(Use{std::string(plugin.name), std::nullopt});
    if (plugin.weight != 0) use.weight = plugin.weight;
  }
  return uses;
}

// A default plugin that is given again is configured in its place; the others follow.
std::vector<Use> merged(const std::vector<Use>& defaults, const PluginSet& custom) {
  std::set<std::string_view> disabled;
  for (scheduler_v1::Plugin plugin : custom.disabled()) disabled.insert(plugin.name());
  std::vector<Use> given, made;
  for (scheduler_v1::Plugin plugin : custom.enabled()) given.push_back(use_of(plugin));
  std::set<size_t> placed;
  for (const Use& standard : disabled.contains("*") ? std::vector<Use>() : defaults) {
    if (disabled.contains(standard.name)) continue;
    auto again = std::find_if(given.rbegin(), given.rend(),
                              [&](const Use& use) { return use.name == standard.name; });
    made.push_back(again == given.rend() ? standard : *again);
    if (again != given.rend()) placed.insert(static_cast<size_t>(given.rend() - again) - 1);
  }
  for (size_t i = 0; i < given.size(); ++i) {
    if (!placed.contains(i)) made.push_back(given[i]);
  }
  return made;
}

// ---- expansion ----

class Expansion {
 public:
  explicit Expansion(const Plugins& plugins) : plugins_(plugins) {}

  Result<EnabledPlugins> run() {
    for (size_t i = 0; i < kPoints; ++i) {
      if (Result<void> taken = take_own(static_cast<Point>(i)); !taken) return taken.error();
    }
    for (size_t i = 0; i < kPoints; ++i) {
      if (Result<void> taken = take_multi_point(static_cast<Point>(i)); !taken) {
        return taken.error();
      }
    }
    weigh(plugins_.score());
    weigh(plugins_.multi_point());
    return std::move(made_);
  }

 private:
  PluginSet set_of(Point point) const { return (plugins_.*point_field(point).view)(); }
  std::vector<std::string>& list_of(Point point) { return made_.lists[static_cast<size_t>(point)]; }

  static Result<const KnownPlugin*> find(Point point, std::string_view name) {
    const KnownPlugin* known = find_known_plugin(name);
    if (known == nullptr) {
      return ApiStatus::bad_request(std::string(point_field(point).type) + " " + go_quote(name) +
                                    " does not exist");
    }
    if (known->supported()) return known;
    return ApiStatus::bad_request("plugin " + go_quote(name) + " is not supported by this server");
  }
  static ApiStatus twice(Point point, std::string_view name) {
    return ApiStatus::bad_request("plugin " + go_quote(name) + " already registered as " +
                                  go_quote(point_field(point).type));
  }

  Result<void> take_own(Point point) {
    std::vector<std::string>& list = list_of(point);
    for (scheduler_v1::Plugin plugin : set_of(point).enabled()) {
      TIPHYS_TRY(const KnownPlugin*, known, find(point, plugin.name()));
      if (!known->has(point)) {
        return ApiStatus::bad_request("plugin " + go_quote(plugin.name()) + " does not extend " +
                                      std::string(point_field(point).type) + " plugin");
      }
      if (std::ranges::find(list, plugin.name()) != list.end()) return twice(point, plugin.name());
      list.emplace_back(plugin.name());
    }
    return {};
  }

  // Order: those of the point that multiPoint has too, those of multiPoint alone, the others.
  Result<void> take_multi_point(Point point) {
    std::vector<std::string>& own = list_of(point);
    std::set<std::string_view> disabled;
    for (scheduler_v1::Plugin plugin : set_of(point).disabled()) disabled.insert(plugin.name());
    if (disabled.contains("*")) return {};
    std::vector<std::string> overriding, added;
    for (scheduler_v1::Plugin plugin : plugins_.multi_point().enabled()) {
      TIPHYS_TRY(const KnownPlugin*, known, find(point, plugin.name()));
      if (!known->has(point) || disabled.contains(plugin.name())) continue;
      bool given = std::ranges::find(own, plugin.name()) != own.end();
      std::vector<std::string>& list = given ? overriding : added;
      bool again = std::ranges::find(list, plugin.name()) != list.end();
      if (again && !given) return twice(point, plugin.name());
      if (!again) list.emplace_back(plugin.name());
    }
    std::vector<std::string> first, last;
    for (std::string& name : own) {
      bool overrides = std::ranges::find(overriding, name) != overriding.end();
      (overrides ? first : last).push_back(std::move(name));
    }
    own = std::move(first);
    own.insert(own.end(), added.begin(), added.end());
    own.insert(own.end(), last.begin(), last.end());
    return {};
  }

  // What stands at `score` wins over multiPoint; no weight is 1.
  void weigh(const PluginSet& set) {
    for (scheduler_v1::Plugin plugin : set.enabled()) {
      const KnownPlugin* known = find_known_plugin(plugin.name());
      if (known == nullptr || !known->has(Point::kScore)) continue;
      int32_t weight = plugin.weight() == 0 ? 1 : plugin.weight();
      made_.weights.try_emplace(std::string(plugin.name()), weight);
    }
  }

  const Plugins plugins_;
  EnabledPlugins made_;
};

}  // namespace

const PointField& point_field(Point point) { return kFields[static_cast<size_t>(point)]; }

bool KnownPlugin::has(Point point) const {
  return std::ranges::find(points, point) != points.end();
}

bool KnownPlugin::supported() const { return built_in || find_plugin(name) != nullptr; }

std::span<const KnownPlugin> known_plugins() { return kPlugins; }

const KnownPlugin* find_known_plugin(std::string_view name) {
  for (const KnownPlugin& plugin : kPlugins) {
    if (plugin.name == name) return &plugin;
  }
  return nullptr;
}

// Only multiPoint has defaults; at the points nothing but their own entries is left to merge.
void merge_default_plugins(PluginsEdit plugins) {
  std::vector<Use> uses = merged(default_uses(), plugins.view().multi_point());
  auto enabled = plugins.edit_multi_point().edit_enabled();
  enabled.clear();
  for (const Use& use : uses) {
    scheduler_v1::PluginEdit plugin = enabled.append();
    plugin.set_name(use.name);
    if (use.weight) plugin.set_weight(*use.weight);
  }
}

bool EnabledPlugins::enabled(Point point, std::string_view name) const {
  return std::ranges::find(at(point), name) != at(point).end();
}

Result<EnabledPlugins> expand_plugins(const Plugins& plugins) { return Expansion(plugins).run(); }

}  // namespace tiphys::scheduler
