// watch, of collections and of single objects.
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/list_page.h"
#include "apiserver/handlers/selection.h"
#include "apiserver/registry/meta.h"

namespace tiphys::apiserver {
namespace {

Duration watch_timeout(HandlerEnv& env, const ListOptions& options) {
  if (options.timeout_seconds && *options.timeout_seconds > 0) {
    return std::chrono::seconds(std::min<int64_t>(*options.timeout_seconds, 7 * 24 * 3600));
  }
  // Spread over one to two times the minimum, so that clients don't come back all at once.
  auto span = static_cast<uint64_t>(env.min_watch_timeout.count());
  return env.min_watch_timeout + Duration(static_cast<int64_t>(env.random->below(span + 1)));
}

// A watch of a single object: a selector may only say the same name again.
Result<void> check_name(const RequestContext& context, const ListOptions& options,
                        const Selection& selection) {
  if (context.info.parts < 2 || options.field_selector.empty()) return {};
  if (selection.name == context.info.name) return {};
  return ApiStatus::bad_request("fieldSelector metadata.name doesn't match requested name");
}

struct WatchPlan {
  WatchOptions watch;
  bool newest = false;  // the newest state there is comes first, or is where it begins
};

WatchPlan plan_watch(const RequestContext& context, const ListOptions& options,
                     const Selection& selection, int64_t version) {
  WatchPlan plan;
  plan.watch.ns = context.object_namespace();
  plan.watch.name = context.info.parts >= 2 ? context.info.name : selection.name;
  plan.watch.predicate = selection.predicate;
  plan.watch.after = version;
  plan.watch.initial_state = options.send_initial_events.value_or(false);
  plan.watch.initial_events_end = plan.watch.initial_state && options.allow_watch_bookmarks;
  // They are for connections that break; a watch by a call can't.
  plan.watch.bookmarks = options.allow_watch_bookmarks && !context.in_process;
  plan.newest = options.resource_version.empty();
  return plan;
}

// Errors from here on are events of the watch: it has begun.
Task<Result<std::unique_ptr<CacheWatcher>>> begin(HandlerEnv& env, Cacher& cacher, WatchPlan plan) {
  if (plan.newest) {
    Result<Revision> fresh = co_await env.hub->wait_consistent(kFreshTimeout);
    if (!fresh) co_return fresh.error();
  } else if (plan.watch.initial_state && plan.watch.after > 0) {
    bool reached = co_await cacher.wait_for(plan.watch.after, kFreshTimeout);
    if (!reached) co_return too_large_resource_version(plan.watch.after, cacher.revision());
  }
  if (!plan.watch.initial_state && plan.watch.after == 0) plan.watch.after = cacher.revision();
  co_return cacher.watch(std::move(plan.watch));
}

}  // namespace

Task<Result<Answer>> handle_watch(HandlerEnv& env, RequestContext& context) {
  Result<ListOptions> options = read_list_options(context, true);
  if (!options) co_return options.error();
  Result<Selection> selection =
      make_selection(*context.resource, options->label_selector, options->field_selector);
  if (!selection) co_return selection.error();
  Result<void> named = check_name(context, *options, *selection);
  if (!named) co_return named.error();
  auto version = parse_resource_version(options->resource_version);
  if (!version) co_return invalid_resource_version(options->resource_version);
  WatchAnswer answer;
  answer.resource = context.resource;
  answer.bookmarks = options->allow_watch_bookmarks;
  answer.timeout = watch_timeout(env, *options);
  WatchPlan plan = plan_watch(context, *options, *selection, *version);
  Result<std::unique_ptr<CacheWatcher>> watcher =
      co_await begin(env, env.registry->cacher(*context.resource), std::move(plan));
  if (watcher) {
    answer.watcher = std::move(*watcher);
  } else {
    answer.error = watcher.error();
  }
  Answer result;
  result.watch = std::move(answer);
  co_return result;
}

}  // namespace tiphys::apiserver
