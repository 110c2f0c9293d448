#include "kubelet/server/listed_pod.h"

namespace tiphys::kubelet {

Task<Result<PodRuntime>> listed_pod(Runtime& runtime, ObjectPtr pod) {
  Result<RuntimeList> list =
      co_await runtime.list(std::string(core_v1::Pod(*pod).metadata().uid()));
  if (!list) co_return list.error();
  PodRuntime out{std::move(list->sandboxes), std::move(list->containers)};
  sort_newest_first(out);
  co_return out;
}

}  // namespace tiphys::kubelet
