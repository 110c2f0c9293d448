#include "scheduler/configuration.h"

#include <set>

#include "codec/configuration_file.h"
#include "scheduler/configuration_args.h"
#include "scheduler/configuration_profiles.h"
#include "scheduler/configuration_validation.h"
#include "scheduler/plugin_points.h"

namespace tiphys::scheduler {
namespace {

using namespace scheduler_v1;

constexpr int64_t kSecond = 1'000'000'000;  // nanoseconds: metav1.Duration

// ---- plugins' arguments ----

std::string group_kind(const GroupVersionKind& gvk) {
  return std::string(gvk.kind) + "." + std::string(gvk.group);
}

// Decodes one pluginConfig entry and puts it back with its defaults. Problems that are merely
// strict ones are noted.
Result<void> read_args(PluginConfigEdit config, const std::string& where,
                       std::vector<std::string>& problems) {
  const std::string name(config.view().name());
  const schema::Kind* kind = args_kind(name);
  if (kind == nullptr) return {};
  auto failed = [&](std::string_view why) {
    return ApiStatus::bad_request("decoding " + where + ": " + std::string(why));
  };
  codec::DecodeNotes notes;
  Result<Draft> args = codec::decode_object_of(configuration_scheme(), codec::Format::kJson,
                                               config.view().args(), kind, &notes);
  if (!args) return failed("decoding args for plugin " + name + ": " + args.error().message());
  if (args->gvk()->kind != kind->gvk.kind) {
    return failed("args for plugin " + name + " were not of type " + group_kind(kind->gvk) +
                  ", got " + group_kind(*args->gvk()));
  }
  if (!notes.problems.empty()) {
    problems.push_back("decoding " + where + ": strict decoding error: decoding args for plugin " +
                       name + ": " + codec::strict_error(notes).message());
  }
  apply_args_defaults(*args);
  std::string text;
  codec::encode_object(codec::Format::kJson, args->type(), args->root(), args->gvk(), text);
  config.set_args(text);
  return {};
}

Result<void> read_all_args(KubeSchedulerConfigurationEdit config,
                           std::vector<std::string>& problems) {
  for (size_t i = 0; i < config.view().profiles().size(); ++i) {
    KubeSchedulerProfileEdit profile = config.edit_profiles()[i];
    for (size_t j = 0; j < profile.view().plugin_config().size(); ++j) {
      std::string where =
          ".profiles[" + std::to_string(i) + "].pluginConfig[" + std::to_string(j) + "]";
      Result<void> read = read_args(profile.edit_plugin_config()[j], where, problems);
      if (!read) return read;
    }
  }
  return {};
}

// Each plugin that takes arguments and is named anywhere has them in pluginConfig, too.
void add_default_args(KubeSchedulerProfileEdit profile) {
  std::set<std::string> named, given;
  auto collect = [&](const PluginSet& set) {
    for (scheduler_v1::Plugin plugin : set.enabled()) named.emplace(plugin.name());
  };
  Plugins plugins = profile.view().plugins();
  collect(plugins.multi_point());
  for (size_t i = 0; i < kPoints; ++i) {
    collect((plugins.*point_field(static_cast<Point>(i)).view)());
  }
  for (PluginConfig config : profile.view().plugin_config()) given.emplace(config.name());
  for (const std::string& name : named) {
    const schema::Kind* kind = args_kind(name);
    if (kind == nullptr || given.contains(name)) continue;
    Draft args(*kind->message, &kind->gvk);
    apply_args_defaults(args);
    std::string text;
    codec::encode_object(codec::Format::kJson, args.type(), args.root(), args.gvk(), text);
    PluginConfigEdit config = profile.edit_plugin_config().append();
    config.set_name(name);
    config.set_args(text);
  }
}

// ---- defaults ----

void default_leader_election(LeaderElectionConfigurationEdit e) {
  LeaderElectionConfiguration given = e.view();
  if (!given.has_leader_elect()) e.set_leader_elect(true);
  if (given.lease_duration() == 0) e.set_lease_duration(15 * kSecond);
  if (given.renew_deadline() == 0) e.set_renew_deadline(10 * kSecond);
  if (given.retry_period() == 0) e.set_retry_period(2 * kSecond);
  if (given.resource_lock().empty()) e.set_resource_lock("leases");
  if (given.resource_namespace().empty()) e.set_resource_namespace("kube-system");
  if (given.resource_name().empty()) e.set_resource_name("kube-scheduler");
}

void default_client_connection(ClientConnectionConfigurationEdit e) {
  if (e.view().content_type().empty()) e.set_content_type("application/vnd.kubernetes.protobuf");
  if (e.view().qps() == 0) e.set_qps(50);
  if (e.view().burst() == 0) e.set_burst(100);
}

void default_profiles(KubeSchedulerConfigurationEdit e) {
  auto profiles = e.edit_profiles();
  if (profiles.empty()) profiles.append();
  if (profiles.size() == 1 && !profiles[0].view().has_scheduler_name()) {
    profiles[0].set_scheduler_name("default-scheduler");
  }
  for (size_t i = 0; i < profiles.size(); ++i) {
    merge_default_plugins(profiles[i].edit_plugins());
    add_default_args(profiles[i]);
  }
}

void apply_defaults(KubeSchedulerConfigurationEdit e) {
  KubeSchedulerConfiguration given = e.view();
  if (!given.has_parallelism()) e.set_parallelism(16);
  default_profiles(e);
  if (!e.view().has_percentage_of_nodes_to_score()) e.set_percentage_of_nodes_to_score(0);
  default_leader_election(e.edit_leader_election());
  default_client_connection(e.edit_client_connection());
  if (!e.view().has_pod_initial_backoff_seconds()) e.set_pod_initial_backoff_seconds(1);
  if (!e.view().has_pod_max_backoff_seconds()) e.set_pod_max_backoff_seconds(10);
  if (!e.view().has_enable_profiling()) e.set_enable_profiling(true);
  if (e.view().enable_profiling() && !e.view().has_enable_contention_profiling()) {
    e.set_enable_contention_profiling(true);
  }
}

// ---- extenders ----

ExtenderConfig::Tls tls_of(const ExtenderTLSConfig& from) {
  return {.insecure = from.insecure(),
          .server_name = std::string(from.server_name()),
          .cert_file = std::string(from.cert_file()),
          .key_file = std::string(from.key_file()),
          .ca_file = std::string(from.ca_file()),
          .cert_data = std::string(from.cert_data()),
          .key_data = std::string(from.key_data()),
          .ca_data = std::string(from.ca_data())};
}

ExtenderConfig extender_of(const Extender& from) {
  ExtenderConfig made{.url_prefix = std::string(from.url_prefix()),
                      .filter_verb = std::string(from.filter_verb()),
                      .preempt_verb = std::string(from.preempt_verb()),
                      .prioritize_verb = std::string(from.prioritize_verb()),
                      .weight = from.weight(),
                      .bind_verb = std::string(from.bind_verb()),
                      .enable_https = from.enable_https(),
                      .has_tls = from.has_tls_config(),
                      .tls = tls_of(from.tls_config())};
  if (from.http_timeout() != 0) {
    made.http_timeout =
        std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(from.http_timeout()));
  }
  made.node_cache_capable = from.node_cache_capable();
  for (ExtenderManagedResource resource : from.managed_resources()) {
    made.managed_resources.push_back(
        {std::string(resource.name()), resource.ignored_by_scheduler()});
  }
  made.ignorable = from.ignorable();
  return made;
}

}  // namespace

Configuration Configuration::defaults() {
  const schema::Kind& kind = configuration_kind();
  Draft draft(*kind.message, &kind.gvk);
  apply_defaults(KubeSchedulerConfigurationEdit(draft));
  return Configuration(std::move(draft));
}

Result<Configuration> Configuration::parse(std::string_view text) {
  codec::DecodeNotes notes;
  TIPHYS_TRY(Draft, draft, codec::decode_configuration(configuration_scheme(), text, &notes));
  if (&draft.type() != &KubeSchedulerConfiguration::message_type()) {
    return ApiStatus::bad_request("couldn't decode as KubeSchedulerConfiguration, got " +
                                  draft.gvk()->api_version() +
                                  ", Kind=" + std::string(draft.gvk()->kind) + ": ");
  }
  Result<void> read = read_all_args(KubeSchedulerConfigurationEdit(draft), notes.problems);
  if (!read) return read.error();
  if (!notes.problems.empty()) return codec::strict_error(notes);
  apply_defaults(KubeSchedulerConfigurationEdit(draft));
  return Configuration(std::move(draft));
}

KubeSchedulerConfiguration Configuration::view() const {
  return KubeSchedulerConfiguration(draft_);
}
KubeSchedulerConfigurationEdit Configuration::edit() {
  return KubeSchedulerConfigurationEdit(draft_);
}

Result<void> Configuration::validate() const { return validate_configuration(view()); }

Result<std::vector<Profile>> Configuration::profiles() const { return make_profiles(view()); }

std::vector<ExtenderConfig> Configuration::extenders() const {
  std::vector<ExtenderConfig> list;
  for (bool ignorable : {false, true}) {
    for (Extender extender : view().extenders()) {
      if (extender.ignorable() == ignorable) list.push_back(extender_of(extender));
    }
  }
  return list;
}

std::string Configuration::json() const {
  std::string text;
  codec::encode_object(codec::Format::kJson, draft_.type(), draft_.root(), draft_.gvk(), text);
  return text;
}

std::string Configuration::yaml() const {
  std::string text;
  codec::encode_object(codec::Format::kYaml, draft_.type(), draft_.root(), draft_.gvk(), text);
  return text;
}

}  // namespace tiphys::scheduler
