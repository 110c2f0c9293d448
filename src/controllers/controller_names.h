// ControllerNames: the other names that upstream has for its controllers. Pure.
// Source: k8s.io/kubernetes cmd/kube-controller-manager/app, and the names of its work queues.
#pragma once
#include <string>
#include <string_view>

namespace tiphys::controllers {

// The service account (in kube-system) that a controller of this name works as:
// "endpoint-controller" for "endpoints-controller". The bootstrap policy has a role for each. "":
// it works as the manager itself.
std::string_view service_account_of(std::string_view controller);

// The name of its queue in workqueue_* metrics: "replicaset" for "replicaset-controller".
std::string queue_name_of(std::string_view controller);

}  // namespace tiphys::controllers
