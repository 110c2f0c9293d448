// ApiServer::Impl: the parts of the server (made in api_server.cc) and the stages that a request
// passes (request_stages.cc). For these two files only.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/api_server.h"
#include "apiserver/authn/legacy_token_tracker.h"
#include "apiserver/pipeline/non_resource.h"
#include "apiserver/registry/address_repairer.h"
#include "apiserver/registry/own_writes.h"
#include "apiserver/resource_metrics/metrics_collector.h"
#include "async/gate.h"
#include "async/stop.h"

namespace tiphys::apiserver {

// A request being answered. Outlives its connection's wait if its time is up.
struct Running {
  Running(Loop& loop, RequestContext the_context)
      : context(std::move(the_context)), answer(ApiStatus::stopped()), done(loop) {}
  RequestContext context;
  Result<Answer> answer;
  Event done;
};

struct ApiServer::Impl {
  Impl(Loop& the_loop, WorkerPool& the_pool, storage::Store& the_store, Random& the_random,
       ApiServerOptions the_options);

  Loop& loop;
  WorkerPool& pool;
  Random& random;
  ApiServerOptions options;
  std::optional<ApiStatus> setup_error;
  CacherHub hub;
  StoreProbe store_probe;
  Gate gate;
  Discovery discovery;
  OpenApi openapi;
  Metrics metrics;
  net::HealthChecks health;
  std::vector<std::unique_ptr<AdmissionPlugin>> admission;
  std::unique_ptr<ServiceAllocator> allocator;
  std::unique_ptr<ServiceAddresses> addresses;
  std::unique_ptr<Registry> registry;
  std::unique_ptr<OwnWrites> writes;
  std::unique_ptr<AddressRepairer> repairer;
  std::unique_ptr<LegacyTokenTracker> token_tracker;
  std::unique_ptr<MetricsCollector> collector;
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<Authorizer> authorizer;
  std::shared_ptr<audit::Auditor> auditor;  // may be null
  std::vector<std::pair<std::string, Bootstrap>> bootstraps;
  StaticDocuments documents;
  HandlerEnv env;
  bool loaded = false;  // the caches
  bool ready = false;
  StopSource stopping;
  Gate requests;

  void serve_health();
  std::vector<std::string> node_names();
  Result<Authenticated> authenticate(const net::Request& request);
  Result<void> authorize(RequestContext& context);
  Task<Result<Answer>> dispatch(RequestContext& context, std::string if_none_match);
  Task<Result<Answer>> limited(RequestContext& context, std::string if_none_match);
  Task<void> run(std::shared_ptr<Running> running, std::string if_none_match);
  Task<Result<Answer>> in_time(RequestContext& context, std::string if_none_match, Duration limit);
  Result<RequestContext> open(net::Request& request);
  Task<net::Response> serve(net::Request request);
  Task<net::Response> turn_away(RequestContext context, ApiStatus why, std::string audit_id);
  Task<Result<Answer>> pass(RequestContext& context, net::Headers headers,
                            std::optional<Duration> limit);
  Task<Result<Answer>> called(RequestContext& context);
  Task<Result<Answer>> audited_call(RequestContext context);
  net::Response answered(RequestContext context, Result<Answer> answer, std::string_view audit_id);
  Task<void> compress(net::Response& response, std::string accept_encoding);
};

}  // namespace tiphys::apiserver
