// watch, of collections and of single objects.
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/selection.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"

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

}  // namespace

Task<Result<Answer>> handle_watch(HandlerEnv& env, RequestContext& context) {
  Result<ListOptions> options = read_list_options(context, true);
  if (!options) co_return options.error();
  Result<Selection> selection =
      make_selection(*context.resource, options->label_selector, options->field_selector);
  if (!selection) co_return selection.error();
  auto version = parse_resource_version(options->resource_version);
  if (!version) {
    co_return ApiStatus::bad_request(
        "resourceVersion: Invalid value: " + go_quote(options->resource_version) +
        ": strconv.ParseUint: parsing " + go_quote(options->resource_version) + ": invalid syntax");
  }
  WatchOptions watch;
  watch.ns = context.object_namespace();
  watch.name = context.info.parts >= 2 ? context.info.name : selection->name;
  watch.predicate = selection->predicate;
  watch.after = *version;
  bool initial = options->send_initial_events.value_or(*version == 0);
  watch.initial_state = initial;
  watch.initial_events_end =
      options->send_initial_events.value_or(false) && options->allow_watch_bookmarks;
  watch.bookmarks = options->allow_watch_bookmarks;
  Cacher& cacher = env.registry->cacher(*context.resource);
  if (options->send_initial_events.value_or(false) && *version > 0) {
    bool reached = co_await cacher.wait_for(*version, std::chrono::seconds(3));
    if (!reached) co_return too_large_resource_version(*version, cacher.revision());
  } else if (initial) {
    Result<Revision> fresh = co_await env.hub->wait_consistent(std::chrono::seconds(3));
    if (!fresh) co_return fresh.error();
  }
  if (!options->send_initial_events.value_or(true) && *version == 0) {
    watch.initial_state = false;
    watch.after = cacher.revision();
  }
  WatchAnswer answer;
  answer.resource = context.resource;
  answer.bookmarks = watch.bookmarks;
  answer.timeout = watch_timeout(env, *options);
  Result<std::unique_ptr<CacheWatcher>> watcher = cacher.watch(std::move(watch));
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
