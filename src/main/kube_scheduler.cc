#include "base/log.h"
#include "base/metrics.h"
#include "main/api_connection.h"
#include "main/client_flags.h"
#include "main/command.h"
#include "main/component_server.h"
#include "main/feature_gates.h"
#include "main/fixed_flags.h"
#include "main/flags.h"
#include "main/logging_flags.h"
#include "main/scheduler_config.h"
#include "os/files.h"

namespace tiphys {
namespace {

using scheduler::Configuration;
using scheduler::Scheduler;

struct Flags {
  std::string config;
  std::string write_config_to;
  std::string master;
  std::string authentication_kubeconfig;
  std::string authorization_kubeconfig;
  // Deprecated: ignored if --config is given.
  std::string kubeconfig;
  ClientFlags client{.limit = {.qps = 50, .burst = 100}};
  // Deprecated, but the only place to say it.
  Duration pod_max_in_unschedulable = std::chrono::minutes(5);
  LeaderElectionFlags election{.resource_name = "kube-scheduler"};
  std::string resource_lock = "leases";
  ServingFlags serving{.secure_port = 10259};
  FeatureGateFlags gates;
  FixedFlags fixed;
  FlagSet set;

  void add_all();
  Result<Configuration> configuration() const;

 private:
  void apply_deprecated(Configuration& config) const;
  void apply_election(Configuration& config) const;
};

constexpr std::string_view kIgnored[] = {"kubeconfig", "kube-api-content-type", "kube-api-qps",
                                         "kube-api-burst"};

void Flags::add_all() {
  const std::string ignored = " (DEPRECATED: ignored if --config is given)";
  set.add("config", config, "The path to the configuration file");
  set.add("write-config-to", write_config_to,
          "If set, write the configuration values to this file and exit");
  set.add("master", master,
          "The address of the Kubernetes API server (overrides any value in kubeconfig)");
  set.add("kubeconfig", kubeconfig,
          "How to reach the API server, and as whom (\"\": as a pod does)" + ignored);
  client.add_to(set);
  set.add("pod-max-in-unschedulable-pods-duration", pod_max_in_unschedulable,
          "DEPRECATED: how long a pod may wait for a change that helps, before it is tried again");
  set.add("authentication-kubeconfig", authentication_kubeconfig,
          "How to reach the API server that judges tokens (\"\": as for all else)");
  set.add("authorization-kubeconfig", authorization_kubeconfig,
          "How to reach the API server that judges rights (\"\": as for all else)");
  election.add_to(set);
  set.add("leader-elect-resource-lock", resource_lock, "What the lock is: leases");
  serving.add_to(set);
  gates.add_to(set);
  fixed.add_to(set);
}

void Flags::apply_deprecated(Configuration& to) const {
  auto connection = to.edit().edit_client_connection();
  if (set.was_set("kubeconfig")) connection.set_kubeconfig(kubeconfig);
  if (set.was_set("kube-api-content-type")) connection.set_content_type(client.content_type);
  if (set.was_set("kube-api-qps")) connection.set_qps(client.limit.qps);
  if (set.was_set("kube-api-burst")) {
    connection.set_burst(static_cast<int32_t>(std::min<int64_t>(client.limit.burst, INT32_MAX)));
  }
}

void Flags::apply_election(Configuration& to) const {
  auto e = to.edit().edit_leader_election();
  const std::string prefix = "leader-elect";
  if (set.was_set(prefix)) e.set_leader_elect(election.leader_elect);
  if (set.was_set(prefix + "-lease-duration")) {
    e.set_lease_duration(election.lease_duration.count());
  }
  if (set.was_set(prefix + "-renew-deadline")) {
    e.set_renew_deadline(election.renew_deadline.count());
  }
  if (set.was_set(prefix + "-retry-period")) e.set_retry_period(election.retry_period.count());
  if (set.was_set(prefix + "-resource-lock")) e.set_resource_lock(resource_lock);
  if (set.was_set(prefix + "-resource-name")) e.set_resource_name(election.resource_name);
  if (set.was_set(prefix + "-resource-namespace")) {
    e.set_resource_namespace(election.resource_namespace);
  }
}

// Flags of leader election win over the file, the deprecated ones count without a file only.
Result<Configuration> Flags::configuration() const {
  Configuration made = Configuration::defaults();
  if (config.empty()) {
    apply_deprecated(made);
  } else {
    TIPHYS_TRY(Configuration, loaded, load_scheduler_config(config));
    made = std::move(loaded);
    for (std::string_view flag : kIgnored) {
      if (!set.was_set(flag)) continue;
      LOG_WARNING("Deprecated flag is ignored: a configuration file is given", {"flag", flag});
    }
  }
  apply_election(made);
  if (Result<void> valid = made.validate(); !valid) return valid.error();
  return made;
}

LeaderElectionFlags election_of(const Configuration& config) {
  scheduler_v1::LeaderElectionConfiguration e = config.view().leader_election();
  return {.leader_elect = e.leader_elect(),
          .lease_duration = Duration(e.lease_duration()),
          .renew_deadline = Duration(e.renew_deadline()),
          .retry_period = Duration(e.retry_period()),
          .resource_namespace = std::string(e.resource_namespace()),
          .resource_name = std::string(e.resource_name())};
}

ClientFlags client_of(const Configuration& config) {
  scheduler_v1::ClientConnectionConfiguration c = config.view().client_connection();
  return {.limit = {.qps = c.qps(), .burst = c.burst()},
          .content_type = std::string(c.content_type())};
}

// A leader that can't renew its lease ends: what answers is well.
void serve_health(net::HealthChecks& health, Host& host, const Scheduler& scheduler, bool elects) {
  std::vector<net::HealthCheck> ready;
  if (elects) {
    health.serve("healthz", {net::answers("leaderElection")});
    ready.push_back(net::answers("leaderElection"));
  }
  ready.push_back({"shutdown", [&host]() -> Result<void> {
                     if (!host.stop().stop_requested()) return {};
                     return ApiStatus::internal("process is shutting down");
                   }});
  ready.push_back({"sched-handler-sync", [&scheduler]() -> Result<void> {
                     if (scheduler.synced()) return {};
                     return ApiStatus::internal("handlers are not fully synchronized");
                   }});
  health.serve("readyz", std::move(ready));
}

// Serves all the time, schedules while it leads. The pieces outlive the call.
Task<Result<void>> run_scheduler(Host& host, client::Client& client, ComponentServer& server,
                                 Scheduler& scheduler, LeaderElectionFlags election, bool warm,
                                 Gauge& leads) {
  Result<void> serving = server.start();
  if (!serving) co_return serving;
  if (warm) scheduler.warm();
  bool stopped = false;
  auto start = [&scheduler, &leads] {
    leads.set(1);
    scheduler.start();
  };
  auto stop = [&scheduler, &stopped] {
    stopped = true;
    return scheduler.stop();
  };
  Result<void> result = co_await run_elected(host, client, election, start, stop);
  if (!stopped) co_await scheduler.stop();
  co_await server.stop();
  co_return result;
}

using Connection = std::unique_ptr<ApiConnection>;

Task<Result<void>> serve(Host& host, Flags& flags, const Configuration& config,
                         Scheduler::Options options) {
  ClientFlags limits = client_of(config);
  if (Result<void> valid = limits.check(); !valid) co_return valid;
  std::string kubeconfig(config.view().client_connection().kubeconfig());
  auto connection =
      ApiConnection::open(host, kubeconfig, "kube-scheduler", limits.json(), flags.master);
  if (!connection) co_return connection.error();
  Result<Connection> authentication =
      ApiConnection::open_other(host, flags.authentication_kubeconfig, "kube-scheduler");
  if (!authentication) co_return authentication.error();
  Result<Connection> authorization =
      ApiConnection::open_other(host, flags.authorization_kubeconfig, "kube-scheduler");
  if (!authorization) co_return authorization.error();
  client::Client& client = (*connection)->client();
  // The lease and reviews have `client` without a limit: they must not wait behind other requests.
  client::LimitedClients limited(host.loop(), limits.limit);
  auto scheduler = std::make_unique<Scheduler>(host.loop(), limited.client_of("scheduler", client),
                                               host.random(), std::move(options));
  LeaderElectionFlags election = election_of(config);
  MetricRegistry metrics;
  Gauge& leads = leader_gauge(metrics, election.resource_name);
  ComponentServer server(host, client, flags.serving,
                         [&] { return metrics.text() + scheduler->metrics_text(); });
  server.show_config([&config] { return "{\"componentconfig\":" + config.json() + "}"; });
  server.judge_by(*authentication ? (*authentication)->client() : client,
                  *authorization ? (*authorization)->client() : client);
  serve_health(server.health(), host, *scheduler, election.leader_elect);
  bool warm = !config.view().delay_cache_until_active();
  Result<void> result =
      co_await run_scheduler(host, client, server, *scheduler, election, warm, leads);
  scheduler.reset();
  if (*authorization) co_await (*authorization)->stop();
  if (*authentication) co_await (*authentication)->stop();
  co_await (*connection)->stop();
  co_return result;
}

Task<Result<void>> run(Host& host, Flags& flags) {
  Result<void> possible = flags.gates.check();
  if (possible) possible = flags.fixed.check();
  if (!possible) co_return possible;
  Result<Configuration> config = flags.configuration();
  if (!config) co_return config.error();
  Result<Scheduler::Options> options = scheduler_options(host.loop(), *config);
  if (!options) co_return options.error();
  options->queue.flush_after = flags.pod_max_in_unschedulable;
  if (!flags.write_config_to.empty()) {
    co_return os::write_file(flags.write_config_to, config->yaml());
  }
  Result<void> result = co_await serve(host, flags, *config, std::move(*options));
  co_return result;
}

}  // namespace

int run_kube_scheduler(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  flags.add_all();
  logging.add_to(flags.set);
  if (auto code = parse_or_exit("kube-scheduler", "The scheduler alone.", flags.set, arguments)) {
    return *code;
  }
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return run(running, flags); });
}

}  // namespace tiphys
