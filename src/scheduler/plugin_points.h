// Plugin points: which extension points upstream's plugins have, the default set, and how a
// profile's `plugins` become a list per extension point. Pure.
//
// Source: k8s.io/kubernetes/pkg/scheduler/apis/config/v1 (defaults, merging) and
// pkg/scheduler/framework/runtime (expansion of multiPoint, errors), v1.35.
#pragma once
#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kinds/scheduler_v1.h"

namespace tiphys::scheduler {

// In the order in which upstream fills them (the first error wins).
enum class Point : uint8_t {
  kPreFilter,
  kFilter,
  kPostFilter,
  kReserve,
  kPreScore,
  kScore,
  kPreBind,
  kBind,
  kPostBind,
  kPermit,
  kPreEnqueue,
  kQueueSort,
};
inline constexpr size_t kPoints = 12;

struct PointField {
  std::string_view field;  // "preFilter"
  std::string_view type;   // "PreFilterPlugin"
  scheduler_v1::PluginSet (scheduler_v1::Plugins::*view)() const;
  scheduler_v1::PluginSetEdit (scheduler_v1::PluginsEdit::*edit)();
};
const PointField& point_field(Point point);

// A plugin of upstream's.
struct KnownPlugin {
  std::string_view name;
  std::span<const Point> points;
  bool by_default = false;
  int32_t weight = 0;     // in the default set; 0: none is given
  bool built_in = false;  // part of queue or shell, no row of all_plugins()
  bool has(Point point) const;
  // It is here, too.
  bool supported() const;
};
// In the order of the default set; then those that are off by default.
std::span<const KnownPlugin> known_plugins();
const KnownPlugin* find_known_plugin(std::string_view name);  // null: not upstream's

// Merges the default set into what a profile says, as defaulting does.
void merge_default_plugins(scheduler_v1::PluginsEdit plugins);

struct EnabledPlugins {
  std::array<std::vector<std::string>, kPoints> lists;
  std::map<std::string, int32_t, std::less<>> weights;  // of those at kScore
  const std::vector<std::string>& at(Point point) const {
    return lists[static_cast<size_t>(point)];
  }
  bool enabled(Point point, std::string_view name) const;
};
// Requires: merged. Errors, in upstream's words: a plugin that does not exist, has no such point,
// or is there twice.
Result<EnabledPlugins> expand_plugins(const scheduler_v1::Plugins& plugins);

}  // namespace tiphys::scheduler
