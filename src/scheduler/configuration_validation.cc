#include "scheduler/configuration_validation.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/strings.h"
#include "base/time.h"
#include "object/selector.h"
#include "scheduler/configuration.h"
#include "scheduler/configuration_args.h"
#include "scheduler/plugin_points.h"

namespace tiphys::scheduler {
namespace {

using namespace scheduler_v1;

// Plugins that this version of the configuration has no more.
constexpr std::string_view kRemovedPlugins[] = {"AzureDiskLimits", "CinderLimits", "EBSLimits",
                                                "GCEPDLimits"};

bool is_removed(std::string_view plugin) {
  return std::ranges::find(kRemovedPlugins, plugin) != std::end(kRemovedPlugins);
}

std::string removed_detail() {
  std::string version = go_quote(Configuration::kApiVersion);
  return "was invalid in version " + version + " (KubeSchedulerConfiguration is version " +
         version + ")";
}

std::string duration_text(int64_t nanoseconds) {
  return go_quote(format_go_duration(Duration(nanoseconds)));
}

void check_client_connection(const ClientConnectionConfiguration& c, FieldProblems& problems) {
  if (c.burst() < 0) {
    problems.invalid("clientConnection.burst", c.burst(), "must be non-negative");
  }
}

void check_leader_election(const LeaderElectionConfiguration& e, FieldProblems& problems) {
  if (!e.leader_elect()) return;
  auto positive = [&](const char* field, int64_t value) {
    if (value > 0) return;
    problems.invalid(std::string("leaderElection.") + field, duration_text(value),
                     "must be greater than zero");
  };
  auto given = [&](const std::string& field, std::string_view value) {
    if (!value.empty()) return;
    problems.invalid("leaderElection." + field, "\"\"", field + " is required");
  };
  positive("leaseDuration", e.lease_duration());
  positive("renewDeadline", e.renew_deadline());
  positive("retryPeriod", e.retry_period());
  if (e.lease_duration() <= e.renew_deadline()) {
    problems.invalid("leaderElection.leaseDuration", duration_text(e.renew_deadline()),
                     "LeaseDuration must be greater than RenewDeadline");
  }
  given("resourceLock", e.resource_lock());
  given("resourceNamespace", e.resource_namespace());
  given("resourceName", e.resource_name());
  if (e.resource_lock() != "leases") {
    problems.invalid("leaderElection.resourceLock", go_quote(e.resource_lock()),
                     "resourceLock value must be \"leases\"");
  }
}

void check_percentage(const std::string& path, int32_t value, FieldProblems& problems) {
  if (value < 0 || value > 100) problems.invalid(path, value, "not in valid range [0-100]");
}

void check_removed_plugins(const Plugins& plugins, const std::string& path,
                           FieldProblems& problems) {
  for (size_t i = 0; i < kPoints; ++i) {
    const PointField& point = point_field(static_cast<Point>(i));
    size_t at = 0;
    for (scheduler_v1::Plugin plugin : (plugins.*point.view)().enabled()) {
      std::string where = path + "." + std::string(point.field) + ".enabled";
      if (is_removed(plugin.name())) {
        problems.invalid(index_path(where, at), go_quote(plugin.name()), removed_detail());
      }
      ++at;
    }
  }
}

void check_plugin_config(const KubeSchedulerProfile& profile, const std::string& path,
                         FieldProblems& problems) {
  std::set<std::string_view> seen;
  size_t i = 0;
  for (PluginConfig config : profile.plugin_config()) {
    std::string where = index_path(path, i++);
    if (!seen.insert(config.name()).second) problems.duplicate(where, go_quote(config.name()));
    if (is_removed(config.name())) {
      problems.invalid(where, go_quote(config.name()), removed_detail());
    } else if (const schema::Kind* kind = args_kind(config.name())) {
      validate_args(config.name(), decoded_args(*kind, config.args()), where + ".args", problems);
    }
  }
}

void check_profile(const KubeSchedulerProfile& profile, const std::string& path,
                   FieldProblems& problems) {
  if (profile.scheduler_name().empty()) problems.required(path + ".schedulerName");
  check_percentage(path + ".percentageOfNodesToScore", profile.percentage_of_nodes_to_score(),
                   problems);
  check_removed_plugins(profile.plugins(), path + ".plugins", problems);
  check_plugin_config(profile, path + ".pluginConfig", problems);
}

// Upstream's JSON of its internal type.
std::string set_text(const PluginSet& set) {
  auto list = [](const ListView<scheduler_v1::Plugin>& plugins) {
    if (plugins.empty()) return std::string("null");
    std::string text = "[";
    for (scheduler_v1::Plugin plugin : plugins) {
      text += (text.size() == 1 ? "" : ",");
      text += "{\"Name\":" + go_quote(plugin.name()) +
              ",\"Weight\":" + std::to_string(plugin.weight()) + "}";
    }
    return text + "]";
  };
  return "{\"Enabled\":" + list(set.enabled()) + ",\"Disabled\":" + list(set.disabled()) + "}";
}

void check_common_queue_sort(const ListView<KubeSchedulerProfile>& profiles,
                             FieldProblems& problems) {
  PluginSet first = profiles[0].plugins().queue_sort();
  if (first.enabled().size() > 1) {
    problems.invalid("profiles[0].plugins.queueSort.Enabled",
                     static_cast<int64_t>(first.enabled().size()),
                     "only one queue sort plugin can be enabled");
  }
  for (size_t i = 1; i < profiles.size(); ++i) {
    PluginSet other = profiles[i].plugins().queue_sort();
    if (set_text(other) == set_text(first)) continue;
    problems.invalid(index_path("profiles", i) + ".plugins.queueSort", set_text(other),
                     "must be the same for all profiles");
  }
}

void check_profiles(const ListView<KubeSchedulerProfile>& profiles, FieldProblems& problems) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < profiles.size(); ++i) {
    std::string path = index_path("profiles", i);
    check_profile(profiles[i], path, problems);
    // Upstream gives a path as the value, which its JSON shows as nothing.
    if (!names.insert(profiles[i].scheduler_name()).second) {
      problems.duplicate(path + ".schedulerName", "{}");
    }
  }
  check_common_queue_sort(profiles, problems);
}

// ---- extenders ----

// Upstream's IsExtendedResourceName.
bool is_extended_resource(std::string_view name) {
  bool native = name.find('/') == std::string_view::npos ||
                name.find("kubernetes.io/") != std::string_view::npos;
  if (native || name.starts_with("requests.")) return false;
  return label_key_problems("requests." + std::string(name)).empty();
}

void check_managed_resource(const std::string& path, std::string_view name,
                            FieldProblems& problems) {
  if (!label_key_problems(name).empty()) {
    problems.label_name(path, name);
  } else if (!is_extended_resource(name)) {
    problems.invalid(path, go_quote(name), "is an invalid extended resource name");
  }
}

void check_extenders(const ListView<Extender>& extenders, FieldProblems& problems) {
  size_t binders = 0, i = 0;
  std::set<std::string_view> managed;
  for (Extender extender : extenders) {
    std::string path = index_path("extenders", i++);
    if (!extender.prioritize_verb().empty() && extender.weight() <= 0) {
      problems.invalid(path + ".weight", extender.weight(),
                       "must have a positive weight applied to it");
    }
    if (!extender.bind_verb().empty()) ++binders;
    size_t j = 0;
    for (ExtenderManagedResource resource : extender.managed_resources()) {
      std::string where = index_path(path + ".managedResources", j++) + ".name";
      check_managed_resource(where, resource.name(), problems);
      if (!managed.insert(resource.name()).second) {
        problems.invalid(where, go_quote(resource.name()),
                         "duplicate extender managed resource name");
      }
    }
  }
  if (binders > 1) {
    problems.invalid("extenders",
                     go_quote("found " + std::to_string(binders) + " extenders implementing bind"),
                     "only one extender can implement bind");
  }
}

}  // namespace

Result<void> validate_configuration(const KubeSchedulerConfiguration& config) {
  FieldProblems problems;
  check_client_connection(config.client_connection(), problems);
  check_leader_election(config.leader_election(), problems);
  if (config.parallelism() <= 0) {
    problems.invalid("parallelism", config.parallelism(),
                     "should be an integer value greater than zero");
  }
  check_profiles(config.profiles(), problems);
  check_percentage("percentageOfNodesToScore", config.percentage_of_nodes_to_score(), problems);
  if (config.pod_initial_backoff_seconds() <= 0) {
    problems.invalid("podInitialBackoffSeconds", config.pod_initial_backoff_seconds(),
                     "must be greater than 0");
  }
  if (config.pod_max_backoff_seconds() < config.pod_initial_backoff_seconds()) {
    problems.invalid("podMaxBackoffSeconds", config.pod_max_backoff_seconds(),
                     "must be greater than or equal to PodInitialBackoffSeconds");
  }
  check_extenders(config.extenders(), problems);
  return problems.result();
}

}  // namespace tiphys::scheduler
