// delete and deletecollection.
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/list_page.h"
#include "apiserver/registry/kind_rules.h"
#include "apiserver/registry/meta.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

WriteScope delete_scope(RequestContext& context, bool dry_run) {
  WriteScope scope;
  scope.resource = context.resource;
  scope.ns = context.resource->namespaced ? context.info.ns : "";
  scope.name = context.info.name;
  scope.user = &context.user;
  scope.dry_run = dry_run;
  scope.warnings = &context.warnings;
  scope.audit_annotations = context.audit_annotations();
  return scope;
}

ObjectPtr success_status(const schema::Resource& resource, const MetaView& meta) {
  Draft draft = meta_v1::Status::make();
  meta_v1::StatusEdit status(draft);
  status.set_status("Success");
  auto details = status.edit_details();
  details.set_name(meta.name());
  details.set_group(resource.group);
  details.set_kind(resource.resource);
  details.set_uid(meta.uid());
  return draft.freeze();
}

// Jobs keep their pods unless the client says otherwise, which surprises many.
void warn_of_orphans(const DeleteRequest& request, RequestContext& context) {
  bool job = context.resource->group == "batch" && context.resource->resource == "jobs";
  if (!job || request.orphan_dependents || !request.propagation_policy.empty()) return;
  context.warnings.emplace_back(
      "child pods are preserved by default when jobs are deleted; set "
      "propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress "
      "this "
      "warning");
}

int delete_code(const DeleteRequest& request, bool deleted) {
  bool orphaning_refused = request.orphan_dependents && !*request.orphan_dependents;
  return !deleted && orphaning_refused ? 202 : 200;
}

}  // namespace

Task<Result<Answer>> handle_delete(HandlerEnv& env, RequestContext& context) {
  bool dry_run = false;
  Result<DeleteRequest> request = read_delete_options(context, &dry_run);
  if (!request) co_return request.error();
  warn_of_orphans(*request, context);
  Result<Written> written = co_await env.registry->remove(delete_scope(context, dry_run), *request);
  if (!written) co_return written.error();
  int code = delete_code(*request, written->deleted);
  if (written->deleted && !kind_rules(*context.resource).returns_deleted) {
    co_return Answer::of(success_status(*context.resource, MetaView(*written->object)), code);
  }
  co_return Answer::of(std::move(written->object), code);
}

Task<Result<Answer>> handle_delete_collection(HandlerEnv& env, RequestContext& context) {
  bool dry_run = false;
  Result<ListOptions> options = read_list_options(context, false);
  if (!options) co_return options.error();
  Result<DeleteRequest> request = read_delete_options(context, &dry_run);
  if (!request) co_return request.error();
  warn_of_orphans(*request, context);
  Result<ListAnswer> list = co_await read_list(env, context, std::move(*options));
  if (!list) co_return list.error();
  for (const ObjectPtr& item : list->items) {
    WriteScope scope = delete_scope(context, dry_run);
    scope.ns = MetaView(*item).ns();
    scope.name = MetaView(*item).name();
    Result<Written> written = co_await env.registry->remove(std::move(scope), *request);
    if (!written && !written.error().is_not_found()) co_return written.error();
  }
  Answer answer;
  answer.list = std::move(*list);
  co_return answer;
}

}  // namespace tiphys::apiserver
