#include "kubelet/server/find_log.h"

#include "kubelet/pods/downward.h"
#include "kubelet/server/listed_pod.h"
#include "kubelet/server/responses.h"

namespace tiphys::kubelet {
namespace {

Result<ContainerRecord> find_in(const PodRuntime& state, core_v1::Pod pod,
                                const std::string& container, bool previous) {
  std::string name(pod.metadata().name());
  core_v1::Container spec = find_container(pod.spec(), container);
  if (spec.name().empty()) {
    return ApiStatus(404, "NotFound",
                     "container \"" + container + "\" not found in pod \"" + name + "\"");
  }
  const ContainerRecord* current = state.newest(container);
  const ContainerRecord* found = previous ? state.previous(container) : current;
  if (previous && !found) {
    return ApiStatus::bad_request("previous terminated container \"" + container + "\" in pod \"" +
                                  name + "\" not found");
  }
  if (found && found->state != ContainerState::kCreated) return *found;
  std::string reason = "ContainerCreating";
  for (const auto& list :
       {pod.status().container_statuses(), pod.status().init_container_statuses()}) {
    for (core_v1::ContainerStatus status : list) {
      if (status.name() == container && status.state().has_waiting()) {
        reason = status.state().waiting().reason();
      }
    }
  }
  if (reason == "ErrImagePull") reason = "image can't be pulled";
  if (reason == "ImagePullBackOff") reason = "trying and failing to pull image";
  return ApiStatus::bad_request("container \"" + container + "\" in pod \"" + name +
                                "\" is waiting to start: " + reason);
}

}  // namespace

Task<Result<ContainerRecord>> find_log(Runtime& runtime, ObjectPtr pod,
                                       std::optional<PodRuntime> seen, std::string container,
                                       bool previous) {
  if (seen) co_return find_in(*seen, core_v1::Pod(*pod), container, previous);
  Result<PodRuntime> listed = co_await listed_pod(runtime, pod);
  if (!listed) co_return ApiStatus::internal(runtime_error_text(listed.error()));
  Result<ContainerRecord> found = find_in(*listed, core_v1::Pod(*pod), container, previous);
  if (!found) co_return found;
  found = co_await runtime.container_status(found->id);
  if (!found) co_return ApiStatus::internal(runtime_error_text(found.error()));
  co_return found;
}

}  // namespace tiphys::kubelet
