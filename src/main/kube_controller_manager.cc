#include "base/metrics.h"
#include "controllers/controller_manager.h"
#include "controllers/kubelet_requests.h"
#include "main/account_clients.h"
#include "main/api_connection.h"
#include "main/client_flags.h"
#include "main/command.h"
#include "main/component_server.h"
#include "main/feature_gates.h"
#include "main/fixed_flags.h"
#include "main/flags.h"
#include "main/logging_flags.h"
#include "os/files.h"

namespace tiphys {
namespace {

// --cluster-signing-[SIGNER-]cert-file and -key-file.
struct SigningFiles {
  std::string_view signer;  // as the flags name it; "": for all
  std::string_view full_name;
  std::string certificate;
  std::string key;
};

struct Flags {
  std::vector<SigningFiles> signing = {
      {"", "", "", ""},
      {"kube-apiserver-client-", controllers::kApiClientSigner, "", ""},
      {"kubelet-client-", controllers::kKubeletClientSigner, "", ""},
      {"kubelet-serving-", controllers::kKubeletServingSigner, "", ""}};
  std::string kubeconfig;
  std::string root_ca_file;
  std::string service_account_key_file;
  int64_t node_cidr_mask_size = 0;
  int64_t node_cidr_mask_size_ipv4 = 0;
  int64_t node_cidr_mask_size_ipv6 = 0;
  controllers::ControllerManager::Options options;
  bool use_service_account_credentials = false;
  ClientFlags client{.limit = {.qps = 20, .burst = 30}};
  LeaderElectionFlags election{.resource_name = "kube-controller-manager"};
  ServingFlags serving{.secure_port = 10257};
  std::string authentication_kubeconfig;
  std::string authorization_kubeconfig;
  std::string cluster_name = "kubernetes";
  FeatureGateFlags gates;
  FixedFlags fixed;
};

Result<controllers::CertificateSigning::Authority> load_authority(const SigningFiles& files) {
  TIPHYS_TRY(std::string, certificate_pem, os::read_file(files.certificate));
  TIPHYS_TRY(std::string, key_pem, os::read_file(files.key));
  TIPHYS_TRY(crypto::Certificate, certificate, crypto::Certificate::from_pem(certificate_pem));
  TIPHYS_TRY(crypto::PrivateKey, key, crypto::PrivateKey::from_pem(key_pem));
  if (!certificate.belongs_to(key)) {
    return ApiStatus::bad_request(files.key + " is not the key of " + files.certificate);
  }
  return controllers::CertificateSigning::Authority{certificate, key};
}

// A signer's own files, or those for all.
Result<void> load_authorities(Flags& flags) {
  for (const SigningFiles& files : flags.signing) {
    if (files.certificate.empty() != files.key.empty()) {
      return ApiStatus::bad_request("--cluster-signing-" + std::string(files.signer) +
                                    "cert-file and -key-file go together");
    }
    if (files.full_name.empty()) continue;
    const SigningFiles& used = files.certificate.empty() ? flags.signing[0] : files;
    if (used.certificate.empty()) continue;
    TIPHYS_TRY(controllers::CertificateSigning::Authority, authority, load_authority(used));
    flags.options.authorities.emplace(files.full_name, std::move(authority));
  }
  return {};
}

// More would only take memory: a worker that waits is a coroutine.
constexpr int64_t kMaxConcurrentSyncs = 10000;

Result<void> check_concurrency(const std::map<std::string, int64_t, std::less<>>& values) {
  for (const auto& [flag, value] : values) {
    if (value >= 1 && value <= kMaxConcurrentSyncs) continue;
    return ApiStatus::bad_request("--" + flag + " must be between 1 and " +
                                  std::to_string(kMaxConcurrentSyncs) + ", inclusive");
  }
  return {};
}

Result<void> set_masks(Flags& flags) {
  controllers::RangeOptions& ranges = flags.options.ranges;
  for (auto [flag, to] : {std::pair(flags.node_cidr_mask_size, &ranges.node_cidr_mask_size),
                          {flags.node_cidr_mask_size_ipv4, &ranges.node_cidr_mask_size_ipv4},
                          {flags.node_cidr_mask_size_ipv6, &ranges.node_cidr_mask_size_ipv6}}) {
    if (flag < 0 || flag > 128) {
      return ApiStatus::bad_request("--node-cidr-mask-size " + std::to_string(flag) +
                                    " must be between 0 and 128, inclusive");
    }
    *to = static_cast<int>(flag);
  }
  return {};
}

// Who judges tokens and rights of the server's callers.
struct Reviewers {
  client::Client& authentication;
  client::Client& authorization;
};

// Serves all the time, works while it leads. The pieces outlive the call.
Task<Result<void>> run_manager(Host& host, client::Client& client, Reviewers reviewers, Flags flags,
                               controllers::ControllerManager& manager) {
  MetricRegistry metrics;
  Gauge& leads = leader_gauge(metrics, flags.election.resource_name);
  ComponentServer server(host, client, flags.serving,
                         [&] { return metrics.text() + manager.metrics_text(); });
  server.judge_by(reviewers.authentication, reviewers.authorization);
  // A leader that can't renew its lease ends: what answers is well.
  if (flags.election.leader_elect) {
    server.health().serve("healthz", {net::answers("leaderElection")});
  }
  Result<void> serving = server.start();
  if (!serving) co_return serving;
  Result<void> result = co_await run_elected(
      host, client, flags.election,
      [&manager, &leads, &server] {
        leads.set(1);
        manager.start();
        for (std::string& name : manager.names()) {
          server.health().add("healthz", net::answers(std::move(name)));
        }
      },
      [&manager] { return manager.stop(); });
  co_await server.stop();
  co_return result;
}

Task<Result<void>> serve(Host& host, Flags flags) {
  Result<void> loaded = check_concurrency(flags.options.concurrency);
  if (loaded) loaded = flags.client.check();
  if (loaded) loaded = load_authorities(flags);
  if (loaded) loaded = flags.gates.check();
  if (loaded) loaded = flags.fixed.check();
  if (!loaded) co_return loaded.error();
  auto connection =
      ApiConnection::open(host, flags.kubeconfig, "kube-controller-manager", flags.client.json());
  if (!connection) co_return connection.error();
  client::Client& client = (*connection)->client();
  auto authentication =
      ApiConnection::open_other(host, flags.authentication_kubeconfig, "kube-controller-manager");
  if (!authentication) co_return authentication.error();
  auto authorization =
      ApiConnection::open_other(host, flags.authorization_kubeconfig, "kube-controller-manager");
  if (!authorization) co_return authorization.error();
  if (Result<void> masks = set_masks(flags); !masks) co_return masks.error();
  flags.options.local_zone_file = controllers::kLocalZoneFile;
  // The CA of the connection is what pods need too, unless another is named.
  flags.options.root_ca_pem = (*connection)->config().tls.ca_pem;
  if (!flags.root_ca_file.empty()) {
    Result<std::string> pem = os::read_file(flags.root_ca_file);
    if (!pem) co_return pem.error();
    flags.options.root_ca_pem = *pem;
  }
  if (!flags.service_account_key_file.empty()) {
    Result<std::string> pem = os::read_file(flags.service_account_key_file);
    if (!pem) co_return pem.error();
    Result<crypto::PrivateKey> key = crypto::PrivateKey::from_pem(*pem);
    if (!key) co_return key.error();
    flags.options.service_account_key = *key;
  }
  AccountClients accounts(host, client, (*connection)->config(), "kube-controller-manager");
  client::LimitedClients limited(host.loop(), flags.client.limit);
  bool own_accounts = flags.use_service_account_credentials;
  flags.options.client_of = [&, own_accounts](std::string_view controller,
                                              std::string_view account) -> client::Client& {
    bool shared = !own_accounts || account.empty();
    return limited.client_of(controller, shared ? client : accounts.client_of(account));
  };
  // Leases and reviews have `client` without a limit: they must not wait behind other requests.
  auto manager = controllers::ControllerManager::create(
      host.loop(), limited.client_of("shared-informers", client), host.random(), flags.options);
  if (!manager) co_return manager.error();
  Reviewers reviewers{*authentication ? (*authentication)->client() : client,
                      *authorization ? (*authorization)->client() : client};
  Result<void> result = co_await run_manager(host, client, reviewers, flags, **manager);
  manager->reset();
  co_await accounts.stop();
  if (*authorization) co_await (*authorization)->stop();
  if (*authentication) co_await (*authentication)->stop();
  co_await (*connection)->stop();
  co_return result;
}

void add_autoscaler_flags(FlagSet& set,
                          controllers::HorizontalPodAutoscalerController::Options& options) {
  const std::string prefix = "horizontal-pod-autoscaler-";
  set.add(prefix + "sync-period", options.sync_period,
          "The period for syncing the number of pods in horizontal pod autoscaler");
  set.add(prefix + "downscale-stabilization", options.downscale_stabilization,
          "How far back autoscalers look for a higher recommendation before they scale down");
  set.add(prefix + "tolerance", options.tolerance,
          "The least change of the ratio of metric to target that is scaled for");
  set.add(prefix + "cpu-initialization-period", options.cpu_initialization_period,
          "How long after a pod's start its CPU samples might be skipped");
  set.add(prefix + "initial-readiness-delay", options.initial_readiness_delay,
          "How long after a pod's start changes of its readiness count as initial");
}

void add_endpoint_flags(FlagSet& set, controllers::ControllerManager::Options& options) {
  set.add("endpoint-updates-batch-period", options.endpoints.batch_period,
          "How long changes of pods wait for more, before Endpoints follow");
  set.add("endpointslice-updates-batch-period", options.endpoint_slices.batch_period,
          "How long changes of pods wait for more, before EndpointSlices follow");
  set.add("max-endpoints-per-slice", options.endpoint_slices.max_endpoints_per_slice,
          "The maximum number of endpoints that will be added to an EndpointSlice");
  set.add("mirroring-endpointslice-updates-batch-period", options.mirroring.batch_period,
          "How long changes of mirrored EndpointSlices wait for more");
  set.add("mirroring-max-endpoints-per-subset", options.mirroring.max_endpoints_per_subset,
          "The maximum number of endpoints of a subset that will be mirrored");
}

void add_concurrency_flags(FlagSet& set, std::map<std::string, int64_t, std::less<>>& values) {
  for (const controllers::ConcurrencyFlag& row : controllers::concurrency_flags()) {
    int64_t& value = values.emplace(row.flag, row.syncs).first->second;
    set.add(std::string(row.flag), value,
            "Objects that the " + std::string(row.controller) + " works on at a time");
  }
}

}  // namespace

int run_kube_controller_manager(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  set.add("kubeconfig", flags.kubeconfig,
          "How to reach the API server, and as whom (\"\": as a pod does)");
  set.add("controllers", flags.options.controllers,
          "Controllers to run: \"*\" all, \"foo\" this one, \"-foo\" not this one");
  set.add("use-service-account-credentials", flags.use_service_account_credentials,
          "Each controller works as its own service account; else all work as the kubeconfig's "
          "user, who needs the roles of all of them");
  set.add("root-ca-file", flags.root_ca_file, "CA that pods are given (\"\": the kubeconfig's)");
  set.add("service-account-private-key-file", flags.service_account_key_file,
          "Key that signs the tokens of accounts in Secrets (\"\": there are none)");
  set.add("cluster-cidr", flags.options.ranges.cluster_cidr,
          "Ranges of the cluster's pods: one, or one of each IP family");
  set.add("service-cluster-ip-range", flags.options.ranges.service_cidr,
          "Range of the Services' addresses: nodes are given none of it");
  set.add("cluster-name", flags.cluster_name,
          "Instance prefix for cloud providers, which there are none of: nothing reads it");
  set.add("node-cidr-mask-size", flags.node_cidr_mask_size,
          "Bits of a node's share of it (0: 24 for IPv4, 64 for IPv6)");
  set.add("node-cidr-mask-size-ipv4", flags.node_cidr_mask_size_ipv4,
          "Bits of a node's share of the IPv4 range of two (0: 24)");
  set.add("node-cidr-mask-size-ipv6", flags.node_cidr_mask_size_ipv6,
          "Bits of a node's share of the IPv6 range of two (0: 64)");
  set.add("allocate-node-cidrs", flags.options.allocate_node_cidrs, "Give nodes pod ranges");
  set.add("node-monitor-grace-period", flags.options.node_lifecycle.grace_period,
          "How long a node may be silent before it is unhealthy");
  set.add("node-startup-grace-period", flags.options.node_lifecycle.startup_grace,
          "The same for a node that starts");
  controllers::ZoneLimits& zones = flags.options.node_lifecycle.zones;
  set.add("node-eviction-rate", zones.eviction_rate, "Unhealthy nodes a second that lose pods");
  set.add("secondary-node-eviction-rate", zones.secondary_eviction_rate,
          "The same in a large zone that is mostly unhealthy");
  set.add("large-cluster-size-threshold", zones.large_cluster_size,
          "Nodes up to which a zone that is mostly unhealthy loses no pods");
  set.add("unhealthy-zone-threshold", zones.unhealthy_zone,
          "Share of a zone's nodes that make it unhealthy (3 at least)");
  set.add("legacy-service-account-token-clean-up-period",
          flags.options.legacy_token_clean_up_period,
          "How long a token Secret that was made for an account goes unused before it is marked "
          "invalid, and then before it is deleted");
  set.add("terminated-pod-gc-threshold", flags.options.pod_gc.terminated_threshold,
          "Finished pods that are kept (<= 0: all)");
  for (SigningFiles& files : flags.signing) {
    std::string prefix = "cluster-signing-" + std::string(files.signer);
    set.add(prefix + "cert-file", files.certificate, "CA certificate that signs requests");
    set.add(prefix + "key-file", files.key, "Key of --" + prefix + "cert-file");
  }
  set.add("cluster-signing-duration", flags.options.signing_duration,
          "The longest life of a certificate that is signed");
  add_autoscaler_flags(set, flags.options.autoscaler);
  add_endpoint_flags(set, flags.options);
  add_concurrency_flags(set, flags.options.concurrency);
  flags.client.add_to(set);
  flags.election.add_to(set);
  flags.serving.add_to(set);
  set.add("authentication-kubeconfig", flags.authentication_kubeconfig,
          "How to reach the API server that judges tokens (\"\": as for all else)");
  set.add("authorization-kubeconfig", flags.authorization_kubeconfig,
          "How to reach the API server that judges rights (\"\": as for all else)");
  flags.gates.add_to(set);
  flags.fixed.add_to(set);
  logging.add_to(set);
  if (auto code =
          parse_or_exit("kube-controller-manager", "The controllers alone.", set, arguments)) {
    return *code;
  }
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
