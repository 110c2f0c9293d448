// Writes what every cluster has: roles, bindings, priority classes.
#pragma once
#include "apiserver/api_server.h"

namespace tiphys {

// A step of ApiServer::add_bootstrap(). Error: what could not be written.
Task<Result<void>> install_bootstrap_policy(apiserver::ApiServer& server);
// The same with other roles and bindings; `json` as apiserver/authz/bootstrap_policy.h has it.
Task<Result<void>> install_policy(apiserver::ApiServer& server, std::string_view json);

}  // namespace tiphys
