// JoinSetup: what makes a cluster one that nodes can join, as kubeadm init leaves it: the ConfigMap
// kube-public/cluster-info, readable by everybody; those of kube-system that tell nodes what to
// agree on (cluster_config.h), readable by nodes and by bootstrap tokens; roles by which a token
// asks for a node's certificate, and such requests are approved. Of our own: nodes may read what
// the service proxy and the routes in them follow.
#pragma once
#include <string>

#include "apiserver/api_server.h"
#include "main/cluster_config.h"

namespace tiphys {

// A step of ApiServer::add_bootstrap(). Objects that are as wanted are not written; nor are
// documents that say the same in other words, or more.
Task<Result<void>> set_up_joining(apiserver::ApiServer& server, std::string url, std::string ca_pem,
                                  ClusterConfig config);
// The roles and bindings, in the format of bootstrap_policy.h.
extern const std::string_view kJoinPolicyJson;

}  // namespace tiphys
