// What every cluster has: system namespaces, the service `kubernetes` with its endpoints, the
// system priority classes. Level-driven: run at each start.
#pragma once
#include "apiserver/api_server.h"

namespace tiphys::apiserver {

// service_address: the first of the service range.
Task<Result<void>> bootstrap_cluster(ApiServer& server, ApiServerOptions options,
                                     std::string service_address);

}  // namespace tiphys::apiserver
