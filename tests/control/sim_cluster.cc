#include "tests/control/sim_cluster.h"

#include <gtest/gtest.h>

#include "apiserver/admission/plugins.h"
#include "apiserver/authn/request_authenticator.h"
#include "apiserver/authz/modes.h"
#include "apiserver/reviews/reviews.h"
#include "controllers/kubelet_requests.h"
#include "crypto/pki.h"
#include "main/bootstrap_policy.h"
#include "storage/memory/memory_store.h"
#include "tests/cases/tree.h"
#include "tests/control/model_command.h"

namespace tiphys::control {
namespace {

apiserver::TokenFile admin_token() {
  auto file = apiserver::TokenFile::parse(std::string(cases::kAdminToken) +
                                          ",admin,admin-id,system:masters\n");
  return *file;
}

apiserver::UserInfo user(std::string name, std::vector<std::string> groups) {
  groups.emplace_back(apiserver::kAllAuthenticated);
  return {.name = std::move(name), .uid = "", .groups = std::move(groups), .extra = {}};
}

// Who signs clients' certificates, until long after what a case tells.
controllers::CertificateSigning::Authority make_authority(MicroTime now) {
  crypto::PrivateKey key = *crypto::PrivateKey::generate();
  crypto::CertificateTemplate what;
  what.ca = true;
  what.subject.common_name = "kubernetes";
  what.not_after = now + crypto::kAuthorityLife;
  return {*crypto::sign_certificate(what, key, nullptr, key), key};
}

}  // namespace

SimCluster::SimCluster(uint64_t seed, int nodes)
    : random_(seed),
      store_(storage::make_memory_store(loop_)),
      service_account_key_(*crypto::PrivateKey::generate()) {
  for (int i = 1; i <= nodes; ++i) names_.insert("node-" + std::to_string(i));
  start();
}

SimCluster::~SimCluster() {
  stop();
  loop_.run(store_->stop());
}

SimCluster::Door::Door(SimCluster& cluster, apiserver::UserInfo user)
    : transport(*cluster.server_, std::move(user), "sim-cluster"),
      custom(cluster.custom_, transport),
      metrics(cluster.loop_, custom, *cluster.transport_),
      faulty(cluster.faults_, metrics),
      client(faulty, "kube-controller-manager") {}

void SimCluster::make_authorizer() {
  rbac_ = std::make_unique<apiserver::RbacAuthorizer>(server_->lookup());
  std::vector<apiserver::Authorizer*> chain = {rbac_.get()};
  server_->set_authorizer(std::make_unique<apiserver::ModeAuthorizer>(std::move(chain)));
  server_->set_review_handler(
      apiserver::make_review_handler({.authenticator = server_->authenticator(),
                                      .authorizer = server_->authorizer(),
                                      .rbac = rbac_.get(),
                                      .clock = &loop_}));
  server_->add_bootstrap("rbac/bootstrap-roles", install_bootstrap_policy);
}

void SimCluster::make_tokens() {
  auto key = crypto::VerificationKey::from_pem(service_account_key_.public_pem());
  tokens_ = std::make_unique<apiserver::ServiceAccountTokens>(
      apiserver::ServiceAccountOptions{}, service_account_key_,
      std::vector<crypto::VerificationKey>{*key}, server_->lookup(), loop_, random_);
  server_->set_authenticator(std::make_unique<apiserver::RequestAuthenticator>(
      loop_, admin_token(), tokens_.get(), tokens_->api_audiences()));
  server_->track_tokens(*tokens_);
}

void SimCluster::start() {
  server_ = std::make_unique<apiserver::ApiServer>(loop_, pool_, *store_, random_,
                                                   apiserver::ApiServerOptions{});
  make_tokens();
  make_authorizer();
  apiserver::AdmissionParts parts{
      .loop = &loop_,
      .lookup = &server_->lookup(),
      .random = &random_,
      .authorizer = server_->authorizer(),
      .rbac = rbac_.get(),
      .write_status = [this](Draft object) { return server_->put_status(std::move(object)); }};
  auto plugins = apiserver::make_admission(parts, {}, {});
  ASSERT_TRUE(plugins) << plugins.error().message();
  for (auto& plugin : *plugins) server_->add_admission(std::move(plugin));
  Result<void> started = loop_.run(server_->start());
  ASSERT_TRUE(started) << started.error().message();
  transport_ = std::make_unique<InProcessTransport>(
      *server_, user("admin", {std::string(apiserver::kSystemMasters)}), "sim-cluster");
  client_ = std::make_unique<client::Client>(*transport_, "sim-cluster");
  start_controllers();
  scheduler_ = std::make_unique<scheduler::Scheduler>(loop_, *client_, random_);
  scheduler_->start();
  nodes_ = std::make_unique<kubelet::HollowNodes>(loop_, *client_, *client_, random_,
                                                  model_nodes(heartbeat_));
  nodes_->start();
  for (const std::string& name : names_) nodes_->up(name);
  volumes_ = std::make_unique<ModelVolumes>(loop_, *client_, random_);
  volumes_->start();
}

// As whom a controller works; with the rights that the bootstrap policy gives it.
client::Client& SimCluster::open_door(std::string name, std::vector<std::string> groups) {
  auto door = std::make_unique<Door>(*this, user(std::move(name), std::move(groups)));
  doors_.push_back(std::move(door));
  return doors_.back()->client;
}

void SimCluster::start_controllers() {
  doors_.clear();
  client::Client& client = open_door("system:kube-controller-manager", {});
  controllers::ControllerManager::Options options;
  options.client_of = [this, &client](std::string_view,
                                      std::string_view account) -> client::Client& {
    if (account.empty()) return client;
    return open_door("system:serviceaccount:kube-system:" + std::string(account),
                     {"system:serviceaccounts", "system:serviceaccounts:kube-system"});
  };
  options.root_ca_pem = "CA";
  options.cluster_dns = {"10.43.0.10"};
  options.controllers = {"*", "bootstrap-signer-controller", "token-cleaner-controller"};
  options.service_account_key = service_account_key_;
  for (std::string_view signer :
       {controllers::kApiClientSigner, controllers::kKubeletClientSigner}) {
    options.authorities.emplace(signer, make_authority(loop_.wall()));
  }
  options.legacy_token_clean_up_period = std::chrono::hours(72);
  // The usual proportion of --node-monitor-grace-period to the heartbeat.
  Duration& grace = options.node_lifecycle.grace_period;
  grace = std::max(grace, heartbeat_ * 5 / 3);
  auto manager = controllers::ControllerManager::create(loop_, client, random_, options);
  ASSERT_TRUE(manager) << manager.error().message();
  manager_ = std::move(*manager);
  manager_->start();
}

void SimCluster::restart_controllers() {
  loop_.run(manager_->stop());
  manager_.reset();
  start_controllers();
}

void SimCluster::stop() {
  loop_.run(volumes_->stop());
  loop_.run(nodes_->stop());
  loop_.run(scheduler_->stop());
  loop_.run(manager_->stop());
  volumes_.reset();
  nodes_.reset();
  scheduler_.reset();
  manager_.reset();
  doors_.clear();
  loop_.run(server_->stop());
  server_.reset();
  tokens_.reset();
  rbac_.reset();
}

void SimCluster::restart() {
  stop();
  start();
}

cases::Reply SimCluster::send(net::Request request, std::function<bool(std::string_view)> enough,
                              Duration limit) {
  return loop_.run(exchange(std::move(request), std::move(enough), limit));
}

Task<cases::Reply> SimCluster::exchange(net::Request request,
                                        std::function<bool(std::string_view)> enough,
                                        Duration limit) {
  auto custom = custom_.handle(request.method, request.path, request.query, request.body,
                               std::string(request.headers.get("content-type")));
  if (custom) {
    cases::Reply answer{.status = custom->code, .body = std::move(custom->body)};
    answer.headers.set("content-type", "application/json");
    co_return answer;
  }
  if (!request.headers.has("authorization")) {
    request.headers.set("authorization", "Bearer " + std::string(cases::kAdminToken));
  }
  net::Response response = co_await server_->handle(std::move(request));
  cases::Reply reply{.status = response.status, .headers = response.headers};
  if (response.body) reply.body = *response.body;
  if (!response.stream) co_return reply;
  StopSource late;
  auto timer = loop_.call_after(limit, [&late] { late.request_stop(); });
  while (!(enough && enough(reply.body))) {
    Result<net::Bytes> chunk = co_await response.stream->next(late.token());
    if (!chunk || !*chunk) break;
    reply.body += **chunk;
  }
  reply.ended = !late.stop_requested() && !(enough && enough(reply.body));
  loop_.cancel(timer);
  co_return reply;
}

Result<void> SimCluster::add_fault(const Node& fault) {
  FaultPlan::Fault made;
  made.requests = std::make_shared<re2::RE2>(std::string(fault.find("requests").as_text()));
  if (!made.requests->ok()) return ApiStatus::bad_request(made.requests->error());
  made.code = static_cast<int>(fault.find("with").as_int(500));
  made.lost = fault.find("lost").as_bool();
  made.times = fault.find("times").as_int(1);
  if (const Value& span = fault.find("for"); !span.is_null()) {
    TIPHYS_TRY(Duration, time, parse_go_duration(span.as_text()));
    made.until = loop_.mono() + time;
    made.times = fault.find("times").as_int(INT64_MAX);
  }
  faults_.add(std::move(made));
  return {};
}

Result<void> SimCluster::set_heartbeat(const Value& interval) {
  TIPHYS_TRY(Duration, time, parse_go_duration(interval.as_text()));
  heartbeat_ = time;
  restart();
  return {};
}

Result<void> SimCluster::disturb(const Node& step) {
  if (const Value& often = step.find("heartbeat"); !often.is_null()) return set_heartbeat(often);
  if (const Value& name = step.find("up"); !name.is_null()) {
    names_.insert(std::string(name.as_text()));
    nodes_->up(std::string(name.as_text()));
    return {};
  }
  if (const Value& name = step.find("down"); !name.is_null()) {
    names_.erase(std::string(name.as_text()));
    nodes_->down(std::string(name.as_text()));
    return {};
  }
  if (const Value& fault = step.find("fail"); !fault.is_null()) return add_fault(fault.as_node());
  if (const Value& span = step.find("stall"); !span.is_null()) {
    TIPHYS_TRY(Duration, time, parse_go_duration(span.as_text()));
    faults_.stall(std::make_shared<re2::RE2>("."), loop_.mono() + time);
    return {};
  }
  if (const Value& custom = step.find("custom"); !custom.is_null()) {
    custom_.change(custom.as_node());
    return {};
  }
  const Value& jump = step.find("jump");
  TIPHYS_TRY(Duration, span,
             parse_go_duration(jump.is_null() ? step.find("rest").as_text() : jump.as_text()));
  if (jump.is_null()) return rest(span);
  loop_.jump_wall(span);
  return {};
}

Result<void> SimCluster::rest(Duration quiet, Duration limit) {
  MonoTime end = loop_.mono() + limit;
  size_t before = 0;
  while (loop_.mono() < end) {
    before = faults_.writes().size();
    loop_.run_for(quiet);
    if (faults_.writes().size() == before) return {};
  }
  std::string text = "still written:";
  for (size_t i = before; i < faults_.writes().size(); ++i)
    text += "\n      " + faults_.writes()[i];
  return ApiStatus::bad_request(text);
}

}  // namespace tiphys::control
