// JoinSetup: what makes a cluster one that nodes can join, as kubeadm init leaves it: the ConfigMap
// kube-public/cluster-info, readable by everybody; roles by which a bootstrap token asks for a
// node's certificate, and such requests are approved. Of our own: nodes may read what the service
// proxy and the routes in them follow.
#pragma once
#include <string>

#include "apiserver/api_server.h"

namespace tiphys {

// A step of ApiServer::add_bootstrap(). Objects that are as wanted are not written.
Task<Result<void>> set_up_joining(apiserver::ApiServer& server, std::string url,
                                  std::string ca_pem);
// The roles and bindings, in the format of bootstrap_policy.h.
extern const std::string_view kJoinPolicyJson;

}  // namespace tiphys
