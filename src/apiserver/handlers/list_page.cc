#include "apiserver/handlers/list_page.h"

#include "apiserver/handlers/continue_token.h"
#include "apiserver/handlers/selection.h"
#include "apiserver/registry/conversion.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

enum class Consistency : uint8_t { kNewest, kAny, kNotOlder, kExact };

struct ListPlan {
  Consistency consistency = Consistency::kNewest;
  int64_t revision = 0;
  ListQuery query;
  bool continued = false;
};

std::string scope_of(std::string_view ns) { return ns.empty() ? "" : std::string(ns) + "/"; }

Result<ListPlan> plan_continued(const ListOptions& options, ListPlan plan) {
  TIPHYS_TRY(ContinueToken, token, decode_continue(options.continue_token));
  if (!options.resource_version.empty() && options.resource_version != "0") {
    return ApiStatus::bad_request("specifying resource version is not allowed when using continue");
  }
  plan.continued = true;
  plan.query.from = scope_of(plan.query.ns) + token.start;
  plan.revision = token.revision;
  plan.consistency = token.revision < 0 ? Consistency::kNewest : Consistency::kExact;
  return plan;
}

Result<ListPlan> plan_list(const ListOptions& options, std::string_view ns) {
  ListPlan plan;
  plan.query.ns = ns;
  // The watch cache's own state is answered whole.
  plan.query.limit = options.resource_version == "0" ? 0 : options.limit;
  if (!options.continue_token.empty()) return plan_continued(options, std::move(plan));
  auto version = parse_resource_version(options.resource_version);
  if (!version) {
    return ApiStatus::bad_request("invalid resource version: " +
                                  invalid_resource_version(options.resource_version).message());
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

// What a list of a compacted state answers; a continued one can go on from there, inconsistently.
ApiStatus expired_list(const ListPlan& plan) {
  if (!plan.continued) {
    return ApiStatus::expired("The resourceVersion for the provided list is too old.");
  }
  ApiStatus::Data data =
      ApiStatus::expired(
          "The provided continue parameter is too old to display a consistent list result. You can "
          "start a new list without the continue parameter, or use the continue token in this "
          "response "
          "to retrieve the remainder of the results. Continuing with the provided token results in "
          "an "
          "inconsistent list - objects that were created, modified, or deleted between the time "
          "the "
          "first chunk was returned and now may show up in the list.")
          .data();
  data.continue_token =
      encode_continue({-1, plan.query.from.substr(scope_of(plan.query.ns).size())});
  return ApiStatus(std::move(data));
}

Task<Result<ListPage>> read_page(HandlerEnv& env, Cacher& cacher, ListPlan plan) {
  if (plan.consistency == Consistency::kNewest) {
    Result<Revision> revision = co_await env.hub->wait_consistent(kFreshTimeout);
    if (!revision) co_return revision.error();
  } else if (plan.consistency != Consistency::kAny) {
    bool reached = co_await cacher.wait_for(plan.revision, kFreshTimeout);
    if (!reached) co_return too_large_resource_version(plan.revision, cacher.revision());
  }
  if (plan.consistency == Consistency::kExact) plan.query.at = plan.revision;
  Result<std::optional<ListPage>> page = cacher.list(plan.query);
  if (!page) co_return page.error();
  if (*page) co_return std::move(**page);
  Result<ListPage> stored = co_await cacher.list_exact(plan.query);
  if (!stored && stored.error().is_gone()) co_return expired_list(plan);
  co_return stored;
}

}  // namespace

ApiStatus invalid_resource_version(std::string_view text) {
  std::string number = go_quote(text);
  bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
  return ApiStatus(500, "",
                   "resourceVersion: Invalid value: " + number + ": strconv.ParseUint: parsing " +
                       number + (digits ? ": value out of range" : ": invalid syntax"));
}

Task<Result<ListAnswer>> read_list(HandlerEnv& env, const RequestContext& context,
                                   ListOptions options) {
  const schema::Resource& resource = *context.resource;
  Result<Selection> selection =
      make_selection(resource, options.label_selector, options.field_selector);
  if (!selection) co_return selection.error();
  std::string ns(context.object_namespace());
  Result<ListPlan> plan = plan_list(options, ns);
  if (!plan) co_return plan.error();
  plan->query.predicate = selection->predicate;
  Cacher& cacher = env.registry->cacher(resource);
  Result<ListPage> page = co_await read_page(env, cacher, std::move(*plan));
  if (!page) co_return page.error();
  ListAnswer list;
  list.resource = &resource;
  list.resource_version = std::to_string(page->revision);
  if (page->more) {
    list.continue_token = encode_continue({page->revision, page->next.substr(scope_of(ns).size())});
    list.remaining = page->remaining;
  }
  list.items = std::move(page->items);
  if (needs_conversion(resource)) {
    for (ObjectPtr& item : list.items) item = from_storage_version(resource, item);
  }
  co_return list;
}

}  // namespace tiphys::apiserver
