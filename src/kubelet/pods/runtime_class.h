// The runtime handler of a pod's RuntimeClass.
#pragma once
#include <string>

#include "client/client.h"

namespace tiphys::kubelet {

// "": the runtime's default. Asked of the API at each call: a sandbox is made rarely. Errors, as
// upstream words them: the class isn't there; the pod wants a user namespace, which is not to be
// had here.
Task<Result<std::string>> find_runtime_handler(client::Client& client, ObjectPtr pod);

}  // namespace tiphys::kubelet
