// Writes what the cluster lacks of the bootstrap policy: a bootstrap step of the API server.
#pragma once
#include "apiserver/api_server.h"

namespace tiphys::apiserver {

// For ApiServer::add_bootstrap("rbac/bootstrap-roles", bootstrap_roles). Error: the first write's.
Task<Result<void>> bootstrap_roles(ApiServer& server);

}  // namespace tiphys::apiserver
