// ApiServer: kube-apiserver without sockets: handle() answers HTTP requests, call() the requests of
// components in the same process. Both pass the same stages: authentication (call() is given its
// user), impersonation, authorization, limits, handler.
//
// Loop thread only. Life: construct, set the parts, start(), serve until stop(). What is referenced
// must outlive it. Errors are upstream's Status objects.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/audit/auditor.h"
#include "apiserver/authn/authenticator.h"
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/authz/authorizer.h"
#include "apiserver/handlers/handler_env.h"
#include "apiserver/lookup.h"
#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/non_resource.h"
#include "apiserver/user.h"
#include "async/loop.h"
#include "async/pool.h"
#include "base/build_info.h"
#include "base/random.h"
#include "net/http.h"
#include "storage/store.h"

namespace tiphys::apiserver {

struct ApiServerOptions {
  std::string service_cidr = "10.43.0.0/16";  // or two, of both families
  int node_port_first = 30000;
  int node_port_last = 32767;
  std::string advertise_address = "127.0.0.1";  // of the endpoints of the service `kubernetes`
  uint16_t secure_port = 6443;
  std::string git_version = std::string(kBuildInfo.git_version);
  int max_requests_in_flight = 400;  // 0: no limit
  int max_mutating_requests_in_flight = 200;
  Duration request_timeout = std::chrono::seconds(60);  // of requests that aren't long-running
  Duration min_watch_timeout = std::chrono::seconds(1800);
  bool bootstrap = true;  // system namespaces, the service `kubernetes`, priority classes
};

struct InProcessRequest {
  std::string method;
  std::string path;
  std::string query;
  ObjectPtr object;  // body, decoded; or
  std::string body;  // raw, of content_type
  std::string content_type;
  std::string accept;      // of documents that have several forms (discovery)
  std::string user_agent;  // the component: field manager of its writes
  UserInfo user;
  StopToken stop;
};

class ApiServer {
 public:
  ApiServer(Loop& loop, WorkerPool& pool, storage::Store& store, Random& random,
            ApiServerOptions options);
  ~ApiServer();  // Requires: stop() finished, or start() never called

  // ---- parts, before start() ----
  void set_authenticator(std::unique_ptr<Authenticator> authenticator);
  void set_authorizer(std::unique_ptr<Authorizer> authorizer);  // none: everything is allowed
  void add_admission(std::unique_ptr<AdmissionPlugin> plugin);  // in order of calls
  // Audits every request; the caller stops it, after the last response is over. None: no audit.
  void set_auditor(std::shared_ptr<audit::Auditor> auditor);
  // Creates of resources that aren't stored (reviews), and token requests; see HandlerEnv.
  void set_review_handler(ReviewHandler handler);
  void set_token_handler(TokenHandler handler);
  // Has the use of these tokens tracked and counted. They may be asked until stop(), not later.
  void track_tokens(ServiceAccountTokens& tokens);
  // A document at a path that is no resource, for whoever may get it.
  void serve_document(std::string path, StaticDocument document);
  // How logs, exec and proxies reach kubelets, pods and endpoints; none: 503.
  void set_proxy_connector(ProxyConnector connector);
  // Who explains where pods are and could be (podplacements.scheduling.tiphys.io); none: 503. May
  // be set later.
  void set_placement_handler(PlacementHandler handler);
  // Text of further metrics for /metrics, of other components in this process. May be set later.
  void add_metrics(std::function<std::string()> text);
  // Runs after the caches are loaded and before the server is ready (RBAC bootstrap).
  using Bootstrap = std::function<Task<Result<void>>(ApiServer&)>;
  void add_bootstrap(std::string name, Bootstrap bootstrap);
  // Reads of stored objects, for the parts above. Complete once start() has loaded the caches.
  Lookup& lookup();
  Authenticator* authenticator();
  Authorizer* authorizer();

  // Loads the caches and writes what every cluster has. Error: the store's.
  Task<Result<void>> start();
  bool ready() const;
  MicroTime now() const;
  // Ends watches and waits for running requests.
  Task<void> stop();

  // ---- serving ----
  Task<net::Response> handle(net::Request request);
  // The answer before encoding, or the failure.
  Task<Result<Answer>> call(InProcessRequest request);

  // The server's own writes at start: create unless there. Skips admission; same validation.
  Task<Result<ObjectPtr>> ensure(const schema::Resource& resource, std::string ns, Draft object);
  // Writes `object` over what is there, creating it if absent.
  Task<Result<ObjectPtr>> put(const schema::Resource& resource, std::string ns, Draft object);
  // Writes an object's status; Conflict if its resourceVersion isn't the stored one any more.
  Task<Result<ObjectPtr>> put_status(Draft object);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::apiserver
