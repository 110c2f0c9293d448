// get and list.
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/list_page.h"
#include "apiserver/registry/meta.h"

namespace tiphys::apiserver {

Task<Result<Answer>> handle_get(HandlerEnv& env, RequestContext& context) {
  if (context.query.flag("export")) {
    co_return ApiStatus::bad_request(
        "the export parameter, deprecated since v1.14, is no longer supported");
  }
  if (context.query.has("resourceVersion")) {
    std::string_view text = context.query.get("resourceVersion");
    auto version = parse_resource_version(text);
    if (!version) co_return invalid_resource_version(text);
    Cacher& cacher = env.registry->cacher(*context.resource);
    bool reached = co_await cacher.wait_for(*version, kFreshTimeout);
    if (!reached) co_return too_large_resource_version(*version, cacher.revision());
  }
  Result<ObjectPtr> object =
      env.registry->get(*context.resource, context.object_namespace(), context.info.name);
  if (!object) co_return object.error();
  co_return Answer::of(std::move(*object));
}

Task<Result<Answer>> handle_list(HandlerEnv& env, RequestContext& context) {
  Result<ListOptions> options = read_list_options(context, false);
  if (!options) co_return options.error();
  Result<ListAnswer> list = co_await read_list(env, context, std::move(*options));
  if (!list) co_return list.error();
  Answer answer;
  answer.list = std::move(*list);
  co_return answer;
}

}  // namespace tiphys::apiserver
