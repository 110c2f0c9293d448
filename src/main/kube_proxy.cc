#include "base/log.h"
#include "client/rate_limit.h"
#include "client/rest_metrics.h"
#include "kubelet/options.h"
#include "main/api_connection.h"
#include "main/command.h"
#include "main/config_watch.h"
#include "main/flags.h"
#include "main/logging_flags.h"
#include "main/node_name.h"
#include "main/proxy_config_flags.h"
#include "main/proxy_settings.h"
#include "main/proxy_status.h"
#include "os/files.h"
#include "proxy/config/configuration_options.h"

namespace tiphys {
namespace {

struct Flags {
  ProxyConfigFlags config;
  std::string master;
  std::string bridge_name = kubelet::Options().bridge_name;
  std::string write_config_to;
  bool cleanup = false;
  bool init_only = false;
};

// What isn't allowed is told and left.
void apply_to_process(const proxy::Configuration& config) {
  auto c = config.view();
  if (c.logging().verbosity() > 0) set_log_verbosity(static_cast<int>(c.logging().verbosity()));
  Result<void> scored =
      os::write_file("/proc/self/oom_score_adj", std::to_string(c.oom_score_adj()));
  if (!scored) LOG_WARNING("Failed to ApplyOOMScoreAdj", {"err", scored.error()});
}

Result<void> write_config(const proxy::Configuration& config, const std::string& file) {
  Result<void> written = os::write_file(file, config.yaml());
  if (written) LOG_INFO("Wrote configuration", {"file", file});
  return written;
}

Result<void> cleanup(const proxy::Settings& settings) {
  Result<void> tables = proxy::cleanup(settings, proxy::Mode::kNftables);
  Result<void> chains = proxy::cleanup(settings, proxy::Mode::kIptables);
  return tables ? chains : tables;
}

Task<Result<void>> run_proxier(Host& host, Flags flags,
                               std::shared_ptr<const proxy::Configuration> config,
                               proxy::Proxier::Options options) {
  auto connection_config = config->view().client_connection();
  bool json = connection_config.content_type() == "application/json";
  auto connection = ApiConnection::open(host, std::string(connection_config.kubeconfig()),
                                        "kube-proxy", json, flags.master);
  if (!connection) co_return connection.error();
  MetricRegistry metrics;
  options.metrics = &metrics;
  client::RestMetrics rest(metrics);
  (*connection)->transport().observe([&rest](const client::Sent& sent) { rest.count(sent); });
  client::LimitedClients clients(
      host.loop(), {connection_config.qps(), static_cast<int64_t>(connection_config.burst())});
  client::Client& client = clients.client_of("kube-proxy", (*connection)->client());
  auto proxier = std::make_unique<proxy::Proxier>(host.loop(), host.pool(), client, host.random(),
                                                  std::move(options));
  ProxyStatus status(host, *proxier, *config);
  if (!flags.config.no_healthz()) status.serve_healthz();
  if (!flags.config.no_metrics()) status.serve_metrics();
  std::optional<ConfigWatch> watch;
  if (!flags.config.file().empty()) watch.emplace(host, flags.config.file());
  proxier->start();
  co_await host.wait_for_stop();
  co_await status.stop();
  co_await proxier->stop();
  proxier.reset();
  co_await (*connection)->stop();
  co_return Result<void>();
}

Task<Result<void>> serve(Host& host, Flags flags) {
  proxy::Proxier::Options base;
  base.settings = proxy_settings(flags.bridge_name);
  Result<proxy::Configuration> config = flags.config.configuration();
  if (!config) co_return config.error();
  if (!flags.write_config_to.empty()) co_return write_config(*config, flags.write_config_to);
  if (flags.cleanup) co_return cleanup(base.settings);
  base.node_name = node_name(flags.config.hostname(*config));
  Result<proxy::Proxier::Options> options = proxy::proxier_options(*config, base);
  if (!options) co_return options.error();
  apply_conntrack(*config);
  if (flags.init_only) {
    (void)proxy::prepare_machine(*options);
    co_return Result<void>();
  }
  apply_to_process(*config);
  auto kept = std::make_shared<const proxy::Configuration>(std::move(*config));
  Result<void> ran = co_await run_proxier(host, flags, kept, *options);
  co_return ran;
}

}  // namespace

int run_kube_proxy(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  flags.config.add_to(set);
  set.add("master", flags.master, "Address of the API server, instead of the kubeconfig's");
  set.add("bridge-name", flags.bridge_name,
          "Bridge of the pod network; the nftables table is named after it");
  set.add("cleanup", flags.cleanup, "Remove the rules of both modes and quit");
  set.add("init-only", flags.init_only,
          "Do what needs all of root's rights (kernel settings) and quit");
  set.add("write-config-to", flags.write_config_to,
          "Write the configuration to this file, with defaults, and quit");
  logging.add_to(set);
  if (auto code = parse_or_exit("kube-proxy", "The service proxy alone.", set, arguments)) {
    return *code;
  }
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
