// Which container's log a request means.
#pragma once
#include <optional>
#include <string>

#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

// With its log_path. seen: what the pod's worker knows; nothing before its first look: then the
// runtime is asked. Errors, in upstream's words: no such container, none that ended before
// (previous), none that started; the runtime's.
Task<Result<ContainerRecord>> find_log(Runtime& runtime, ObjectPtr pod,
                                       std::optional<PodRuntime> seen, std::string container,
                                       bool previous);

}  // namespace tiphys::kubelet
