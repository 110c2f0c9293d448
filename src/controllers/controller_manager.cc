#include "controllers/controller_manager.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "controllers/bootstrap_signer.h"
#include "controllers/certificate_approval.h"
#include "controllers/cluster_dns.h"
#include "controllers/cluster_role_aggregation.h"
#include "controllers/controller_names.h"
#include "controllers/cron_job.h"
#include "controllers/daemon_set.h"
#include "controllers/deployment.h"
#include "controllers/disruption.h"
#include "controllers/ephemeral_volume.h"
#include "controllers/garbage_collector.h"
#include "controllers/job.h"
#include "controllers/legacy_token_cleaner.h"
#include "controllers/namespace.h"
#include "controllers/node_ipam.h"
#include "controllers/node_ttl.h"
#include "controllers/replica_set.h"
#include "controllers/resource_quota.h"
#include "controllers/service_account.h"
#include "controllers/service_account_tokens.h"
#include "controllers/service_cidr.h"
#include "controllers/stateful_set.h"
#include "controllers/storage_protection.h"
#include "controllers/taint_eviction.h"
#include "controllers/ttl_after_finished.h"
#include "controllers/upstream_names.h"

namespace tiphys::controllers {

namespace {

using Options = ControllerManager::Options;
using Made = Result<std::unique_ptr<Controller>>;

// A row per controller, in order of starting. Null without error: the options leave it out.
struct Row {
  std::string_view name;
  Made (*make)(Context, const Options&);
};

template <class T>
Made plain(Context context, const Options&) {
  return std::make_unique<T>(context);
}

Made root_ca(Context context, const Options& options) {
  if (options.root_ca_pem.empty()) return std::unique_ptr<Controller>();
  return std::make_unique<RootCaPublisher>(context, options.root_ca_pem);
}

Made node_ipam(Context context, const Options& options) {
  if (!options.allocate_node_cidrs) return std::unique_ptr<Controller>();
  TIPHYS_TRY(std::vector<RangePool>, pools, make_range_pools(options.ranges));
  return std::make_unique<NodeIpam>(context, std::move(pools));
}

Made node_lifecycle(Context context, const Options& options) {
  return std::make_unique<NodeLifecycle>(context, options.node_lifecycle);
}

Made certificate_signing(Context context, const Options& options) {
  if (options.authorities.empty()) return std::unique_ptr<Controller>();
  return std::make_unique<CertificateSigning>(
      context, CertificateSigning::Options{options.authorities, options.signing_duration});
}

Made autoscaler(Context context, const Options& options) {
  if (options.autoscaler.sync_period <= Duration::zero()) {
    return ApiStatus::bad_request("--horizontal-pod-autoscaler-sync-period must be positive");
  }
  return std::make_unique<HorizontalPodAutoscalerController>(context, options.autoscaler);
}

Result<void> check_endpoints(std::string_view flag, int64_t value, int64_t most) {
  bool few = value < 1;
  if (!few && value <= most) return {};
  return ApiStatus::bad_request(std::string(flag) + " must not be " + (few ? "less" : "more") +
                                " than " + std::to_string(few ? 1 : most) + ", but got " +
                                std::to_string(value));
}

Made endpoint_slices(Context context, const Options& options) {
  Result<void> checked =
      check_endpoints("max-endpoints-per-slice", options.endpoint_slices.max_endpoints_per_slice,
                      kMaxEndpointsPerSlice);
  if (!checked) return checked.error();
  return std::make_unique<EndpointSliceController>(context, options.endpoint_slices);
}

Made mirroring(Context context, const Options& options) {
  Result<void> checked =
      check_endpoints("mirroring-max-endpoints-per-subset",
                      options.mirroring.max_endpoints_per_subset, kMaxEndpointsPerSubset);
  if (!checked) return checked.error();
  return std::make_unique<EndpointSliceMirroring>(context, options.mirroring);
}

Made endpoints(Context context, const Options& options) {
  return std::make_unique<EndpointsController>(context, options.endpoints);
}

Made service_account_tokens(Context context, const Options& options) {
  if (!options.service_account_key) return std::unique_ptr<Controller>();
  return std::make_unique<ServiceAccountTokens>(
      context, ServiceAccountTokens::Options{*options.service_account_key, options.root_ca_pem});
}

Made legacy_token_cleaner(Context context, const Options& options) {
  if (options.legacy_token_clean_up_period <= Duration::zero()) {
    return ApiStatus::bad_request(
        "--legacy-service-account-token-clean-up-period must be positive");
  }
  return std::make_unique<LegacyTokenCleaner>(context, options.legacy_token_clean_up_period);
}

Made pod_gc(Context context, const Options& options) {
  return std::make_unique<PodGc>(context, options.pod_gc);
}

Made cluster_dns(Context context, const Options& options) {
  if (options.cluster_dns.empty()) return std::unique_ptr<Controller>();
  return std::make_unique<ClusterDnsController>(context, options.cluster_dns);
}

Made cron_job(Context context, const Options& options) {
  return std::make_unique<CronJobController>(context, options.local_zone_file);
}

constexpr Row kRows[] = {
    {"serviceaccount-controller", plain<ServiceAccountController>},
    {"serviceaccount-token-controller", service_account_tokens},
    {"legacy-serviceaccount-token-cleaner-controller", legacy_token_cleaner},
    {"root-ca-certificate-publisher-controller", root_ca},
    {"bootstrap-signer-controller", plain<BootstrapSigner>},
    {"token-cleaner-controller", plain<TokenCleaner>},
    {"certificatesigningrequest-approving-controller", plain<CertificateApproval>},
    {"certificatesigningrequest-signing-controller", certificate_signing},
    {"certificatesigningrequest-cleaner-controller", plain<CertificateCleaner>},
    {"node-ipam-controller", node_ipam},
    {"clusterrole-aggregation-controller", plain<ClusterRoleAggregation>},
    {"deployment-controller", plain<DeploymentController>},
    {"daemonset-controller", plain<DaemonSetController>},
    {"replicaset-controller", plain<ReplicaSetController>},
    {"replicationcontroller-controller", plain<ReplicationControllerController>},
    {"statefulset-controller", plain<StatefulSetController>},
    {"job-controller", plain<JobController>},
    {"ttl-after-finished-controller", plain<TtlAfterFinished>},
    {"cronjob-controller", cron_job},
    {"horizontal-pod-autoscaler-controller", autoscaler},
    {"disruption-controller", plain<DisruptionController>},
    {"endpointslice-controller", endpoint_slices},
    {"endpointslice-mirroring-controller", mirroring},
    {"endpoints-controller", endpoints},
    {"node-lifecycle-controller", node_lifecycle},
    {"taint-eviction-controller", plain<TaintEviction>},
    {"namespace-controller", plain<NamespaceController>},
    {"pod-garbage-collector-controller", pod_gc},
    {"ttl-controller", plain<NodeTtl>},
    {"ephemeral-volume-controller", plain<EphemeralVolume>},
    {"persistentvolumeclaim-protection-controller", plain<PvcProtection>},
    {"persistentvolume-protection-controller", plain<PvProtection>},
    {"volumeattributesclass-protection-controller", plain<VacProtection>},
    {"service-cidr-controller", plain<ServiceCidrController>},
    {"cluster-dns-controller", cluster_dns},
    {"resourcequota-controller", plain<ResourceQuotaController>},
    {"garbage-collector-controller", plain<GarbageCollector>},
};

constexpr ConcurrencyFlag kConcurrency[] = {
    {"concurrent-cron-job-syncs", "cronjob-controller", 5},
    {"concurrent-daemonset-syncs", "daemonset-controller", 2},
    {"concurrent-deployment-syncs", "deployment-controller", 5},
    {"concurrent-endpoint-syncs", "endpoints-controller", 5},
    {"concurrent-ephemeralvolume-syncs", "ephemeral-volume-controller", 5},
    {"concurrent-gc-syncs", "garbage-collector-controller", 20},
    {"concurrent-horizontal-pod-autoscaler-syncs", "horizontal-pod-autoscaler-controller", 5},
    {"concurrent-job-syncs", "job-controller", 5},
    {"concurrent-namespace-syncs", "namespace-controller", 10},
    {"concurrent-rc-syncs", "replicationcontroller-controller", 5},
    {"concurrent-replicaset-syncs", "replicaset-controller", 5},
    {"concurrent-resource-quota-syncs", "resourcequota-controller", 5},
    {"concurrent-service-endpoint-syncs", "endpointslice-controller", 5},
    {"concurrent-serviceaccount-token-syncs", "serviceaccount-token-controller", 5},
    {"concurrent-statefulset-syncs", "statefulset-controller", 5},
    {"concurrent-ttl-after-finished-syncs", "ttl-after-finished-controller", 5},
    {"mirroring-concurrent-service-endpoint-syncs", "endpointslice-mirroring-controller", 5},
};

// Controllers without a flag keep the number that they were made with.
void set_concurrency(Controller& controller, const Options& options) {
  for (const ConcurrencyFlag& row : kConcurrency) {
    if (row.controller != controller.name()) continue;
    auto given = options.concurrency.find(row.flag);
    bool same = given == options.concurrency.end();
    controller.set_workers(same ? row.syncs : static_cast<int>(given->second));
  }
}

bool wanted(const std::vector<std::string>& list, std::string_view name) {
  bool all = false;
  for (const std::string& entry : list) {
    if (canonical_name(entry) == name) return true;
    if (entry.starts_with('-') && canonical_name(std::string_view(entry).substr(1)) == name) {
      return false;
    }
    if (entry == "*") all = true;
  }
  return all && !is_off_by_default(name);
}

Result<void> check_names(const std::vector<std::string>& list) {
  for (const std::string& entry : list) {
    if (entry == "*") continue;
    bool off = entry.starts_with('-');
    std::string name(canonical_name(std::string_view(entry).substr(off ? 1 : 0)));
    bool here = std::ranges::any_of(kRows, [&](const Row& row) { return row.name == name; });
    if (here || (off && is_upstream_name(name))) continue;
    if (is_upstream_name(name)) {
      return ApiStatus::bad_request("controller \"" + name + "\" is not implemented");
    }
    return ApiStatus::bad_request("\"" + name + "\" is not in the list of known controllers");
  }
  return {};
}

}  // namespace

std::vector<std::string> controller_names() {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

std::span<const ConcurrencyFlag> concurrency_flags() { return kConcurrency; }

struct ControllerManager::Impl {
  Impl(Loop& loop, client::Client& client, Random& random)
      : informers(loop, client, random),
        events(loop, client, random),
        controller_metrics(metrics),
        served(loop, client, informers),
        context{loop, client, informers, events, random, controller_metrics, served} {}
  // As whom the controller of this name works.
  Context context_of(std::string_view name, const Options& options) {
    if (!options.client_of) return context;
    client::Client& own = options.client_of(name, service_account_of(name));
    return {context.loop, own, informers, events, context.random, controller_metrics, served};
  }
  client::InformerFactory informers;
  client::EventRecorder events;
  MetricRegistry metrics;
  ControllerMetrics controller_metrics;
  ServedResources served;
  Context context;
  std::vector<std::unique_ptr<Controller>> controllers;
  std::vector<std::string> names;
};

ControllerManager::ControllerManager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControllerManager::~ControllerManager() = default;

Result<std::unique_ptr<ControllerManager>> ControllerManager::create(Loop& loop,
                                                                     client::Client& client,
                                                                     Random& random,
                                                                     Options options) {
  Result<void> names = check_names(options.controllers);
  if (!names) return names.error();
  auto impl = std::make_unique<Impl>(loop, client, random);
  for (const Row& row : kRows) {
    if (!wanted(options.controllers, row.name)) continue;
    TIPHYS_TRY(std::unique_ptr<Controller>, made,
               row.make(impl->context_of(row.name, options), options));
    if (!made) continue;
    set_concurrency(*made, options);
    impl->controllers.push_back(std::move(made));
    impl->names.emplace_back(row.name);
  }
  return std::unique_ptr<ControllerManager>(new ControllerManager(std::move(impl)));
}

void ControllerManager::start() {
  impl_->informers.start();
  for (auto& controller : impl_->controllers) controller->start();
  LOG_INFO("Controllers started", {"count", impl_->controllers.size()});
}

Task<void> ControllerManager::stop() {
  for (auto at = impl_->controllers.rbegin(); at != impl_->controllers.rend(); ++at) {
    co_await (*at)->stop();
  }
  co_await impl_->served.stop();
  co_await impl_->events.stop();
  co_await impl_->informers.stop();
}

std::vector<std::string> ControllerManager::names() const { return impl_->names; }

std::string ControllerManager::metrics_text() {
  for (auto& controller : impl_->controllers) controller->measure();
  return impl_->metrics.text();
}

bool ControllerManager::at_rest() const {
  return std::ranges::all_of(impl_->controllers, [](const auto& one) { return one->at_rest(); });
}

}  // namespace tiphys::controllers
