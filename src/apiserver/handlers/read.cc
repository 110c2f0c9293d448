// get and list.
#include "apiserver/handlers/continue_token.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/selection.h"
#include "apiserver/registry/conversion.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr Duration kFreshTimeout = std::chrono::seconds(3);  // upstream's blockTimeout

enum class Consistency : uint8_t { kNewest, kAny, kNotOlder, kExact };

struct ListPlan {
  Consistency consistency = Consistency::kNewest;
  int64_t revision = 0;
  ListQuery query;
};

ApiStatus invalid_version(std::string_view text) {
  return ApiStatus::bad_request("resourceVersion: Invalid value: " + go_quote(text) +
                                ": strconv.ParseUint: parsing " + go_quote(text) +
                                ": invalid syntax");
}

// https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
Result<ListPlan> plan_list(const ListOptions& options) {
  ListPlan plan;
  plan.query.limit = options.limit;
  auto version = parse_resource_version(options.resource_version);
  if (!version) return invalid_version(options.resource_version);
  if (!options.continue_token.empty()) {
    if (!options.resource_version.empty() && options.resource_version != "0") {
      return ApiStatus::bad_request(
          "specifying resource version is not allowed when using continue");
    }
    TIPHYS_TRY(ContinueToken, token, decode_continue(options.continue_token));
    plan.query.from = token.start;
    plan.revision = token.revision;
    plan.consistency = token.revision < 0 ? Consistency::kNewest : Consistency::kExact;
    return plan;
  }
  plan.revision = *version;
  if (options.resource_version.empty()) return plan;
  if (options.resource_version_match == "Exact") {
    plan.consistency = Consistency::kExact;
  } else if (*version == 0) {
    plan.consistency = Consistency::kAny;
  } else if (options.resource_version_match.empty() && options.limit > 0) {
    plan.consistency = Consistency::kExact;
  } else {
    plan.consistency = Consistency::kNotOlder;
  }
  return plan;
}

Task<Result<ListPage>> read_page(HandlerEnv& env, Cacher& cacher, ListPlan plan) {
  if (plan.consistency == Consistency::kNewest) {
    Result<Revision> revision = co_await env.hub->wait_consistent(kFreshTimeout);
    if (!revision) co_return revision.error();
  } else if (plan.consistency == Consistency::kNotOlder ||
             plan.consistency == Consistency::kExact) {
    bool reached = co_await cacher.wait_for(plan.revision, kFreshTimeout);
    if (!reached) co_return too_large_resource_version(plan.revision, cacher.revision());
  }
  if (plan.consistency == Consistency::kExact) plan.query.at = plan.revision;
  Result<std::optional<ListPage>> page = cacher.list(plan.query);
  if (!page) co_return page.error();
  if (*page) co_return std::move(**page);
  co_return co_await cacher.list_exact(plan.query);
}

}  // namespace

Task<Result<Answer>> handle_get(HandlerEnv& env, RequestContext& context) {
  if (context.query.has("resourceVersion")) {
    auto version = parse_resource_version(context.query.get("resourceVersion"));
    if (!version) co_return invalid_version(context.query.get("resourceVersion"));
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
  Result<Selection> selection =
      make_selection(*context.resource, options->label_selector, options->field_selector);
  if (!selection) co_return selection.error();
  Result<ListPlan> plan = plan_list(*options);
  if (!plan) co_return plan.error();
  plan->query.ns = context.object_namespace();
  plan->query.predicate = selection->predicate;
  Cacher& cacher = env.registry->cacher(*context.resource);
  Result<ListPage> page = co_await read_page(env, cacher, std::move(*plan));
  if (!page) co_return page.error();
  ListAnswer list;
  list.resource = context.resource;
  list.resource_version = std::to_string(page->revision);
  if (page->more) {
    list.continue_token = encode_continue({page->revision, page->next});
    list.remaining = page->remaining;
  }
  list.items = std::move(page->items);
  if (needs_conversion(*context.resource)) {
    for (ObjectPtr& item : list.items) item = from_storage_version(*context.resource, item);
  }
  Answer answer;
  answer.list = std::move(list);
  co_return answer;
}

}  // namespace tiphys::apiserver
