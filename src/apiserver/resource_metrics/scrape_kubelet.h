// Asks a node's kubelet for its usage, as the API server. Loop thread.
#pragma once
#include "apiserver/handlers/handler_env.h"
#include "apiserver/resource_metrics/kubelet_metrics.h"

namespace tiphys::apiserver {

// Errors: the node is not there or has no address; the connection's; a status that isn't 200; an
// answer that is too long, or no metrics.
Task<Result<NodePoints>> scrape_kubelet(HandlerEnv& env, std::string node, StopToken stop);

}  // namespace tiphys::apiserver
