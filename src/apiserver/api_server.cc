#include "apiserver/api_server.h"

#include "apiserver/api_server_impl.h"
#include "apiserver/pipeline/bootstrap.h"
#include "apiserver/resource_metrics/scrape_kubelet.h"
#include "base/log.h"
#include "net/socket.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kStarts[] = {
    "informer-sync",
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/bootstrap-controller",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "shutdown"};

}  // namespace

ApiServer::Impl::Impl(Loop& the_loop, WorkerPool& the_pool, storage::Store& the_store,
                      Random& the_random, ApiServerOptions the_options)
    : loop(the_loop),
      pool(the_pool),
      random(the_random),
      options(std::move(the_options)),
      hub(the_loop, the_store),
      store_probe(the_loop, the_store),
      gate(the_loop),
      discovery(net::join_host_port(options.advertise_address, options.secure_port)),
      openapi(options.git_version),
      requests(the_loop) {
  auto made = ServiceAllocator::create(
      {options.service_cidr, options.node_port_first, options.node_port_last}, random);
  if (made) {
    allocator = std::move(*made);
  } else {
    setup_error = made.error();
  }
  for (const schema::Resource& resource : schema::all_resources()) {
    if (resource.served_by_default && !resource.etcd_prefix.empty()) hub.add(resource);
  }
  Registry::Parts parts;
  parts.loop = &loop;
  parts.random = &random;
  parts.store = &the_store;
  parts.hub = &hub;
  parts.admission = &admission;
  parts.allocator = allocator.get();
  addresses = std::make_unique<ServiceAddresses>(hub, random, loop);
  parts.addresses = addresses.get();
  registry = std::make_unique<Registry>(parts);
  writes = std::make_unique<OwnWrites>(*registry, loop);
  repairer = std::make_unique<AddressRepairer>(hub, *writes, loop);
  token_tracker = std::make_unique<LegacyTokenTracker>(hub.lookup(), *writes, loop);
  env.loop = &loop;
  env.pool = &pool;
  env.random = &random;
  env.hub = &hub;
  env.registry = registry.get();
  env.min_watch_timeout = options.min_watch_timeout;
  collector = std::make_unique<MetricsCollector>(
      loop, [this] { return node_names(); },
      [this](std::string node, StopToken stop) {
        return scrape_kubelet(env, std::move(node), std::move(stop));
      });
  env.metrics = collector.get();
  env.streams = &metrics.streams;
  serve_health();
}

// All that /readyz waits for at the start is done at once.
void ApiServer::Impl::serve_health() {
  std::vector<net::HealthCheck> live = {net::answers("ping"), net::answers("log")};
  live.push_back({std::string(kEtcdCheck), [this] { return store_probe.reads(); }});
  health.serve("livez", live);
  health.serve("healthz", live);
  std::vector<net::HealthCheck> starts = std::move(live);
  starts.push_back({std::string(kEtcdReadinessCheck), [this] { return store_probe.writes(); }});
  for (std::string_view name : kStarts) {
    starts.push_back({std::string(name), [this]() -> Result<void> {
                        if (ready) return {};
                        return ApiStatus::internal("not finished");
                      }});
  }
  health.serve("readyz", std::move(starts));
}

ApiServer::ApiServer(Loop& loop, WorkerPool& pool, storage::Store& store, Random& random,
                     ApiServerOptions options)
    : impl_(std::make_unique<Impl>(loop, pool, store, random, std::move(options))) {}
ApiServer::~ApiServer() = default;

void ApiServer::set_authenticator(std::unique_ptr<Authenticator> authenticator) {
  impl_->authenticator = std::move(authenticator);
}
void ApiServer::set_authorizer(std::unique_ptr<Authorizer> authorizer) {
  impl_->authorizer = std::move(authorizer);
  impl_->env.authorizer = impl_->authorizer.get();
}
void ApiServer::add_admission(std::unique_ptr<AdmissionPlugin> plugin) {
  impl_->admission.push_back(std::move(plugin));
}
void ApiServer::set_auditor(std::shared_ptr<audit::Auditor> auditor) {
  impl_->metrics.audit = auditor ? &auditor->counts() : nullptr;
  impl_->auditor = std::move(auditor);
}
void ApiServer::set_review_handler(ReviewHandler handler) {
  impl_->env.review = std::move(handler);
}
void ApiServer::track_tokens(ServiceAccountTokens& tokens) {
  impl_->metrics.tokens = &tokens.uses();
  tokens.on_secret_used(
      [this](std::string_view ns, std::string_view name) { impl_->token_tracker->used(ns, name); });
}
void ApiServer::serve_document(std::string path, StaticDocument document) {
  impl_->documents.insert_or_assign(std::move(path), std::move(document));
}
void ApiServer::set_token_handler(TokenHandler handler) { impl_->env.token = std::move(handler); }
void ApiServer::set_proxy_connector(ProxyConnector connector) {
  impl_->env.connect = std::move(connector);
}
void ApiServer::set_placement_handler(PlacementHandler handler) {
  impl_->env.placement = std::move(handler);
}
void ApiServer::add_metrics(std::function<std::string()> text) {
  impl_->metrics.others.push_back(std::move(text));
}
void ApiServer::add_bootstrap(std::string name, Bootstrap bootstrap) {
  impl_->bootstraps.emplace_back(std::move(name), std::move(bootstrap));
}
Lookup& ApiServer::lookup() { return impl_->hub.lookup(); }
Authenticator* ApiServer::authenticator() { return impl_->authenticator.get(); }
Authorizer* ApiServer::authorizer() { return impl_->authorizer.get(); }
bool ApiServer::ready() const { return impl_->ready; }
MicroTime ApiServer::now() const { return impl_->loop.wall(); }

Task<Result<void>> ApiServer::start() {
  if (impl_->setup_error) co_return *impl_->setup_error;
  Result<void> loaded = co_await impl_->hub.start();
  if (!loaded) co_return loaded.error();
  impl_->loaded = true;
  impl_->allocator->follow(*impl_->hub.find("", "services"),
                           impl_->hub.find("networking.k8s.io", "servicecidrs"),
                           impl_->hub.find("networking.k8s.io", "ipaddresses"));
  if (impl_->options.bootstrap) {
    Result<void> made =
        co_await bootstrap_cluster(*this, impl_->options, impl_->allocator->first_address());
    if (made) made = co_await impl_->token_tracker->keep_since();
    if (!made) co_return made.error();
  }
  for (auto& [name, bootstrap] : impl_->bootstraps) {
    Result<void> made = co_await bootstrap(*this);
    if (made) continue;
    LOG_ERROR("Bootstrap failed", {"name", name}, {"err", made.error()});
    co_return made.error();
  }
  impl_->ready = true;
  impl_->gate.spawn(impl_->repairer->run(impl_->stopping.token()));
  if (impl_->options.bootstrap) {
    impl_->gate.spawn(impl_->token_tracker->run(impl_->stopping.token()));
  }
  co_return Result<void>();
}

Task<void> ApiServer::stop() {
  impl_->ready = false;
  impl_->stopping.request_stop();
  co_await impl_->requests.close();
  co_await impl_->collector->stop();
  co_await impl_->gate.close();
  co_await impl_->store_probe.stop();
  co_await impl_->hub.stop();
}

Task<net::Response> ApiServer::handle(net::Request request) {
  co_return co_await impl_->serve(std::move(request));
}

std::vector<std::string> ApiServer::Impl::node_names() {
  std::vector<std::string> out;
  for (const ObjectPtr& node : hub.lookup().list("", "nodes", "")) {
    out.emplace_back(MetaView(*node).name());
  }
  return out;
}

// ---- the server's own writes ----

Task<Result<ObjectPtr>> ApiServer::ensure(const schema::Resource& resource, std::string ns,
                                          Draft object) {
  return impl_->writes->ensure(resource, std::move(ns), std::move(object));
}
Task<Result<ObjectPtr>> ApiServer::put(const schema::Resource& resource, std::string ns,
                                       Draft object) {
  return impl_->writes->put(resource, std::move(ns), std::move(object));
}
Task<Result<ObjectPtr>> ApiServer::put_status(Draft object) {
  return impl_->writes->put_status(std::move(object));
}

}  // namespace tiphys::apiserver
