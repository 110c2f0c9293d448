// What of a pod is in the runtime now. A worker's runtime_state() is of its last look, and empty
// until its first: whoever answers a request about what runs asks here, as upstream's kubelet does
// (findContainer).
#pragma once
#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

// As the runtime lists it: without the containers' status and the sandboxes' addresses. Errors: the
// runtime's.
Task<Result<PodRuntime>> listed_pod(Runtime& runtime, ObjectPtr pod);

}  // namespace tiphys::kubelet
