// ControllerManager: all controllers of one process, started and stopped together: what upstream's
// kube-controller-manager runs.
//
// Loop thread only. Everything passed in outlives it. It owns its informers: one cache per
// resource, shared by all controllers.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controllers/certificate_signing.h"
#include "controllers/endpoint_slice.h"
#include "controllers/endpoint_slice_mirroring.h"
#include "controllers/endpoints.h"
#include "controllers/horizontal_pod_autoscaler.h"
#include "controllers/node_lifecycle.h"
#include "controllers/pod_gc.h"
#include "controllers/range_pool.h"

namespace tiphys::controllers {

// The names that --controllers takes.
std::vector<std::string> controller_names();

// Flags that say how many objects a controller works on at a time; what they say when not given.
struct ConcurrencyFlag {
  std::string_view flag;
  std::string_view controller;
  int syncs;
};
std::span<const ConcurrencyFlag> concurrency_flags();

// Where a machine keeps its own time zone.
inline constexpr std::string_view kLocalZoneFile = "/etc/localtime";

class ControllerManager {
 public:
  struct Options {
    // --controllers: names, "*" for all that are on by default, "-name" for not this one. Names
    // are upstream's, old ones too.
    std::vector<std::string> controllers = {"*"};
    // By flag, where it differs from concurrency_flags(); all are positive.
    std::map<std::string, int64_t, std::less<>> concurrency;
    std::string root_ca_pem;                // --root-ca-file's content; "": not published
    RangeOptions ranges;                    // --cluster-cidr and others
    bool allocate_node_cidrs = true;        // --allocate-node-cidrs
    NodeLifecycle::Options node_lifecycle;  // --node-monitor-grace-period and others
    // --cluster-signing-*: by signer; signers without an authority don't sign.
    std::map<std::string, CertificateSigning::Authority, std::less<>> authorities;
    Duration signing_duration = std::chrono::hours(8760);  // --cluster-signing-duration
    // --service-account-private-key-file: signs the tokens in Secrets; without: there are none.
    std::optional<crypto::PrivateKey> service_account_key;
    EndpointsController::Options endpoints;
    EndpointSliceController::Options endpoint_slices;
    EndpointSliceMirroring::Options mirroring;
    // --legacy-service-account-token-clean-up-period
    Duration legacy_token_clean_up_period = std::chrono::hours(8760);
    PodGc::Options pod_gc;        // --terminated-pod-gc-threshold
    std::string local_zone_file;  // a zoneinfo file: the zone of CronJobs that name none; "": UTC
    HorizontalPodAutoscalerController::Options autoscaler;  // --horizontal-pod-autoscaler-*
    // Addresses of the cluster's DNS Service, one a family; none: there is no such Service.
    std::vector<std::string> cluster_dns;
    // The client of a controller, which works as this service account of kube-system
    // (--use-service-account-credentials), "": as the manager. It outlives the manager. Nothing:
    // every controller works through the manager's client, as informers and events do in any case.
    std::function<client::Client&(std::string_view controller, std::string_view account)> client_of;
  };
  // Error: BadRequest for options that name no controller, or one that is not here, or a
  // --cluster-cidr that can't be used.
  static Result<std::unique_ptr<ControllerManager>> create(Loop& loop, client::Client& client,
                                                           Random& random, Options options);
  ~ControllerManager();  // Requires: stop() finished, or start() was never called
  void start();
  Task<void> stop();
  // Of the controllers that it runs, upstream's ("deployment-controller").
  std::vector<std::string> names() const;
  // workqueue_* and the controllers' own metrics, in Prometheus' text format.
  std::string metrics_text();
  // Nothing to do now (delayed work aside).
  bool at_rest() const;

 private:
  struct Impl;
  explicit ControllerManager(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::controllers
