// Pod control: creating and deleting the pods of an owner, with upstream's events. Pure.
// Source: k8s.io/kubernetes pkg/controller (RealPodControl).
#pragma once
#include "controllers/action.h"

namespace tiphys::controllers {

// Tagged "create" and "delete" for outcome().
Action create_pod_action(ObjectPtr pod, ObjectPtr owner);
Action delete_pod_action(ObjectPtr pod, ObjectPtr owner);

}  // namespace tiphys::controllers
