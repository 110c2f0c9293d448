// get of podplacements.scheduling.tiphys.io: computed from the pod of the same name.
#include "apiserver/handlers/handlers.h"

namespace tiphys::apiserver {

bool is_placement(const schema::Resource& resource) {
  return resource.group == "scheduling.tiphys.io";
}

Task<Result<Answer>> handle_placement(HandlerEnv& env, RequestContext& context) {
  if (!env.placement) {
    co_return ApiStatus::service_unavailable("nobody here knows how pods are scheduled");
  }
  Result<ObjectPtr> pod =
      env.registry->get(*schema::find_resource("", "v1", "pods"),
                        std::string(context.object_namespace()), context.info.name);
  if (!pod) co_return pod.error();
  Result<ObjectPtr> placement = co_await env.placement(*pod);
  if (!placement) co_return placement.error();
  co_return Answer::of(std::move(*placement));
}

}  // namespace tiphys::apiserver
