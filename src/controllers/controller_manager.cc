#include "controllers/controller_manager.h"

#include "controllers/deployment.h"
#include "controllers/endpoint_slice.h"
#include "controllers/endpoints.h"
#include "controllers/namespace.h"
#include "controllers/node_ipam.h"
#include "controllers/replica_set.h"
#include "controllers/service_account.h"
#include "controllers/taint_eviction.h"

namespace tiphys::controllers {

ControllerManager::ControllerManager(Loop& loop, client::Client& client, Random& random)
    : informers_(loop, client, random),
      events_(loop, client, random),
      context_{loop, client, informers_, events_, random} {}

ControllerManager::~ControllerManager() = default;

Result<std::unique_ptr<ControllerManager>> ControllerManager::create(Loop& loop,
                                                                     client::Client& client,
                                                                     Random& random,
                                                                     Options options) {
  TIPHYS_TRY(RangePool, ranges,
             RangePool::create(options.cluster_cidr, options.node_cidr_mask_size));
  std::unique_ptr<ControllerManager> manager(new ControllerManager(loop, client, random));
  Context& context = manager->context_;
  manager->add(std::make_unique<ReplicaSetController>(context));
  manager->add(std::make_unique<ReplicationControllerController>(context));
  manager->add(std::make_unique<DeploymentController>(context));
  manager->add(std::make_unique<NamespaceController>(context));
  manager->add(std::make_unique<ServiceAccountController>(context));
  if (!options.root_ca_pem.empty()) {
    manager->add(std::make_unique<RootCaPublisher>(context, options.root_ca_pem));
  }
  manager->add(std::make_unique<EndpointSliceController>(context));
  manager->add(std::make_unique<EndpointsController>(context));
  manager->add(std::make_unique<NodeLifecycle>(context, options.node_lifecycle));
  manager->add(std::make_unique<TaintEviction>(context));
  if (options.allocate_node_cidrs) {
    manager->add(std::make_unique<NodeIpam>(context, std::move(ranges)));
  }
  return manager;
}

void ControllerManager::start() {
  informers_.start();
  for (auto& controller : controllers_) controller->start();
}

Task<void> ControllerManager::stop() {
  for (auto& controller : controllers_) co_await controller->stop();
  co_await events_.stop();
  co_await informers_.stop();
}

bool ControllerManager::at_rest() const {
  return std::ranges::all_of(controllers_, [](const auto& one) { return one->at_rest(); });
}

}  // namespace tiphys::controllers
