// SimCluster: a whole cluster in one thread on virtual time: the API server on the memory store,
// all controllers, the scheduler, hollow nodes and a model PV controller. A month takes as long as
// what happens in it.
// Controllers work as their own service accounts with the rights of the bootstrap policy.
//
// disturb() carries out:
//   up: NAME, down: NAME   a node comes (again), or is lost without a word
//   fail: {requests: EXPRESSION, with: CODE, times: N, for: DURATION, lost: true}
//                          the controllers' requests that match "PUT /api/..." fail
//   stall: DURATION        watches tell the controllers nothing for so long
//   custom: {...}          what is served beside the API (custom_api.h)
//   jump: DURATION         the wall clock jumps
//   heartbeat: DURATION    the cluster restarts with kubelets that renew so often and controllers
//                          that wait accordingly: long spells in which no node is lost cost less
//   rest: DURATION         the controllers must write nothing for so long (Leases aside), at the
//                          latest after ten minutes
#pragma once
#include <memory>
#include <set>
#include <string>

#include "apiserver/api_server.h"
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/authz/rbac.h"
#include "async/sim_loop.h"
#include "controllers/controller_manager.h"
#include "kubelet/hollow/hollow_nodes.h"
#include "main/in_process_transport.h"
#include "scheduler/scheduler.h"
#include "tests/cases/world.h"
#include "tests/control/custom_transport.h"
#include "tests/control/fault_transport.h"
#include "tests/control/model_command.h"
#include "tests/control/model_metrics.h"
#include "tests/control/model_volumes.h"

namespace tiphys::control {

class SimCluster : public cases::World {
 public:
  explicit SimCluster(uint64_t seed = 1, int nodes = 2);  // node-1, node-2...
  ~SimCluster() override;

  cases::Reply send(net::Request request, std::function<bool(std::string_view)> enough = nullptr,
                    Duration limit = std::chrono::seconds(10)) override;
  void restart() override;
  void pass(Duration time) override { loop_.run_for(time); }
  MonoTime mono() const override { return loop_.mono(); }
  Result<void> disturb(const Node& step) override;

  // The controllers alone begin anew.
  void restart_controllers();
  // For tests that look closer.
  SimLoop& loop() { return loop_; }
  client::Client& client() { return *client_; }
  FaultPlan& faults() { return faults_; }
  kubelet::HollowNodes& nodes() { return *nodes_; }
  // Lets time pass until the controllers have written nothing for `quiet`; what they still wrote
  // if that is not so after `limit`.
  Result<void> rest(Duration quiet, Duration limit = std::chrono::minutes(10));

 private:
  // A controller's own way to the API server.
  struct Door {
    Door(SimCluster& cluster, apiserver::UserInfo user);
    InProcessTransport transport;
    CustomTransport custom;
    ModelMetrics metrics;
    FaultTransport faulty;
    client::Client client;
  };
  void start();
  void stop();
  void make_authorizer();
  void make_tokens();
  void start_controllers();
  client::Client& open_door(std::string user, std::vector<std::string> groups);
  Result<void> set_heartbeat(const Value& interval);
  Result<void> add_fault(const Node& fault);
  Task<cases::Reply> exchange(net::Request request, std::function<bool(std::string_view)> enough,
                              Duration limit);

  SimLoop loop_;
  WorkerPool pool_{1};
  SeededRandom random_;
  std::unique_ptr<storage::Store> store_;
  crypto::PrivateKey service_account_key_;
  std::unique_ptr<apiserver::RbacAuthorizer> rbac_;
  std::unique_ptr<apiserver::ServiceAccountTokens> tokens_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<InProcessTransport> transport_;
  std::unique_ptr<client::Client> client_;  // of the nodes, the scheduler and tests
  FaultPlan faults_{loop_};
  CustomApi custom_{loop_, random_};
  std::vector<std::unique_ptr<Door>> doors_;  // of controllers
  std::unique_ptr<controllers::ControllerManager> manager_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<kubelet::HollowNodes> nodes_;
  Duration heartbeat_ = kUsualHeartbeat;
  std::unique_ptr<ModelVolumes> volumes_;
  std::set<std::string> names_;  // of nodes that are up
};

}  // namespace tiphys::control
