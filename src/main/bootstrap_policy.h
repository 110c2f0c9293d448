// Writes what every cluster has: roles, bindings, priority classes.
#pragma once
#include "apiserver/api_server.h"

namespace tiphys {

// A step of ApiServer::add_bootstrap(). Error: what could not be written.
Task<Result<void>> install_bootstrap_policy(apiserver::ApiServer& server);

}  // namespace tiphys
