// The stages of a request, by HTTP or in process: authentication, audit, impersonation,
// authorization, limits, handler.
#include "apiserver/api_server_impl.h"
#include "apiserver/authn/impersonation.h"
#include "apiserver/authz/forbidden.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/pipeline/audited.h"
#include "apiserver/pipeline/respond.h"
#include "apiserver/pipeline/time_limit.h"
#include "apiserver/response/gzip.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

bool is_mutating(std::string_view verb) {
  return verb == "create" || verb == "update" || verb == "patch" || verb == "delete" ||
         verb == "deletecollection";
}

bool wants_pretty(const RequestContext& context) {
  if (context.query.has("pretty")) {
    std::string_view value = context.query.get("pretty");
    return value == "1" || equals_ignore_case(value, "t") || equals_ignore_case(value, "true");
  }
  return context.user_agent.starts_with("curl") || context.user_agent.starts_with("Wget") ||
         context.user_agent.starts_with("Mozilla/5.0");
}

// Reviews, and what else is only ever posted, have no table; nor has a Scale.
bool has_table(const RequestInfo& info) {
  if (info.verb != "create") return info.subresource != "scale";
  const schema::Resource* resource = schema::find_resource(info.group, info.version, info.resource);
  return info.subresource.empty() && (!resource || resource->has_verb("get"));
}

AcceptScope accept_scope(const RequestContext& context) {
  AcceptScope scope;
  if (!context.info.is_resource) return scope;
  scope.table = has_table(context.info);
  scope.partial = true;
  scope.streams = context.info.verb == "watch";
  scope.lists = scope.streams || context.info.verb == "list";
  return scope;
}

// What a refusal is written as before the endpoint is known: the plain form asked for.
void choose_plain_media(RequestContext& context) {
  Result<MediaType> media = negotiate(context.accept, AcceptScope{});
  if (media) context.media = *media;
  context.media.pretty = context.media.pretty || wants_pretty(context);
}

}  // namespace

Result<Authenticated> ApiServer::Impl::authenticate(const net::Request& request) {
  if (!authenticator) {
    Authenticated anonymous;
    anonymous.user.name = kAnonymous;
    anonymous.user.groups = {std::string(kAllUnauthenticated)};
    return anonymous;
  }
  auto found = authenticator->authenticate(request);
  if (!found) return found.error();
  if (!*found) return ApiStatus::unauthorized();
  return std::move(**found);
}

Result<void> ApiServer::Impl::authorize(RequestContext& context) {
  if (!authorizer) return {};
  Attributes attributes = context.info.attributes();
  if (attributes.is_resource) {
    attributes.field_selector = context.query.get("fieldSelector");
    attributes.label_selector = context.query.get("labelSelector");
  }
  Verdict verdict = authorizer->authorize(context.user, attributes);
  if (audit::Annotations* annotations = context.audit_annotations()) {
    bool allowed = verdict.decision == Decision::kAllow;
    annotations->add("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
    annotations->add("authorization.k8s.io/reason", verdict.reason);
  }
  if (verdict.decision == Decision::kAllow) return {};
  return forbidden_status(context.user, attributes, verdict.reason);
}

Task<Result<Answer>> ApiServer::Impl::dispatch(RequestContext& context, std::string if_none_match) {
  if (!context.info.is_resource) {
    NonResourceEnv non_resource{&discovery,          &metrics, &openapi,
                                options.git_version, &health,  &documents};
    if (asks_for_store(non_resource, context)) co_await store_probe.look();
    co_return handle_non_resource(non_resource, context, if_none_match);
  }
  if (!discovery.serves_group(context.info.group)) co_return Answer::of_raw(page_not_found());
  if (!loaded) co_return ApiStatus::service_unavailable("the server is starting");
  co_return co_await handle_resource(env, context);
}

// Counts the requests in flight and turns away what is too much.
Task<Result<Answer>> ApiServer::Impl::limited(RequestContext& context, std::string if_none_match) {
  bool mutating = is_mutating(context.info.verb);
  int& in_flight = mutating ? metrics.in_flight_mutating : metrics.in_flight_reading;
  int limit = mutating ? options.max_mutating_requests_in_flight : options.max_requests_in_flight;
  bool counted = limit > 0 && context.info.is_resource && !is_long_running(context.info) &&
                 !context.user.in_group(kSystemMasters) && !context.in_process;
  if (counted && in_flight >= limit) {
    ++metrics.rejected;
    co_return ApiStatus::too_many_requests("Too many requests, please try again later.", 1);
  }
  if (counted) ++in_flight;
  Result<Answer> answer = co_await dispatch(context, std::move(if_none_match));
  if (counted) --in_flight;
  co_return answer;
}

Task<void> ApiServer::Impl::run(std::shared_ptr<Running> running, std::string if_none_match) {
  running->answer = co_await limited(running->context, std::move(if_none_match));
  running->done.set();
}

// What takes longer than the limit goes on by itself; its answer is dropped.
Task<Result<Answer>> ApiServer::Impl::in_time(RequestContext& context, std::string if_none_match,
                                              Duration limit) {
  if (stopping.stop_requested()) {
    co_return ApiStatus::service_unavailable("the server is shutting down");
  }
  auto running = std::make_shared<Running>(loop, std::move(context));
  requests.spawn(run(running, std::move(if_none_match)));
  bool done = running->done.is_set();
  if (!done) done = co_await running->done.wait({}, limit);
  if (done) {
    context = std::move(running->context);
    co_return std::move(running->answer);
  }
  context = RequestContext{};
  context.info = running->context.info;
  context.media = running->context.media;
  co_return time_is_up(context.info);
}

Result<RequestContext> ApiServer::Impl::open(net::Request& request) {
  RequestContext context;
  TIPHYS_TRY(ParsedRequest, parsed,
             parse_request_info(request.method, request.path, request.query));
  context.info = std::move(parsed.info);
  context.encoded_slash = parsed.encoded_slash;
  context.method = std::move(request.method);
  if (!request.query.empty()) context.query = Query::parse(request.query);
  context.raw_query = std::move(request.query);
  context.content_type = request.headers.get("content-type");
  context.accept = request.headers.get("accept");
  context.accept_encoding = request.headers.get("accept-encoding");
  context.user_agent = request.headers.get("user-agent");
  context.body = std::move(request.body);
  context.body_stream = std::move(request.body_stream);
  context.body_too_large = request.body_too_large;
  context.gone = request.gone;
  context.now = loop.wall();
  if (context.info.is_connect() || context.info.subresource == "log") {
    context.headers = request.headers;
    context.raw_path = std::move(request.path);
    context.authority = std::move(request.authority);
    context.remote_address = std::move(request.remote_address);
  }
  return context;
}

// A request that never gets to be a user's: without an identity, or with a senseless timeout.
Task<net::Response> ApiServer::Impl::turn_away(RequestContext context, ApiStatus why,
                                               std::string audit_id) {
  std::shared_ptr<audit::RequestAudit> audit = context.audit;
  choose_plain_media(context);
  if (audit) audit_answer(*audit, context, why);
  net::Response response = answered(std::move(context), std::move(why), audit_id);
  if (audit) co_await audit_turned_away(std::move(audit), response.status);
  co_return response;
}

// Impersonation, authorization, negotiation, and on to the handler.
Task<Result<Answer>> ApiServer::Impl::pass(RequestContext& context, net::Headers headers,
                                           std::optional<Duration> limit) {
  if (authorizer) {
    auto other = impersonate(headers, context.user, *authorizer);
    if (!other) {
      choose_plain_media(context);
      co_return other.error();
    }
    if (*other) context.user = std::move(**other);
    if (*other && context.audit) context.audit->set_impersonated(context.user);
  }
  Result<void> allowed = authorize(context);
  context.denied = !allowed;
  if (!allowed) {
    choose_plain_media(context);
    co_return allowed.error();
  }
  Result<MediaType> media = negotiate(context.accept, accept_scope(context));
  bool aggregated = !context.info.is_resource && negotiate_discovery(context.accept);
  if (!media && !aggregated && !context.info.is_connect() &&
      (context.info.is_resource || discovery.find(context.info.path))) {
    co_return media.error();
  }
  if (media) context.media = *media;
  context.media.pretty = context.media.pretty || wants_pretty(context);
  std::string if_none_match(headers.get("if-none-match"));
  if (limit) co_return co_await in_time(context, std::move(if_none_match), *limit);
  co_return co_await limited(context, std::move(if_none_match));
}

Task<net::Response> ApiServer::Impl::serve(net::Request request) {
  MonoTime started = loop.mono();
  std::string audit_id(request.headers.get("audit-id"));
  if (audit_id.empty()) audit_id = random.uuid();
  std::optional<audit::RequestFacts> facts;
  if (auditor) facts = audit::facts_of(request, audit_id, loop.wall());
  Result<Authenticated> who = authenticate(request);
  Result<RequestContext> context = open(request);
  if (!context) co_return answered(RequestContext{}, context.error(), audit_id);
  Result<std::optional<Duration>> limit =
      time_limit(context->info, context->query, options.request_timeout);
  bool known = who && limit;
  if (known) {
    context->user = std::move(who->user);
    context->warnings = std::move(who->warnings);
  }
  if (facts) {
    context->audit = auditor->begin(std::move(*facts), context->user, context->info.attributes());
  }
  std::shared_ptr<audit::RequestAudit> audit = context->audit;
  std::string verb = context->info.verb;
  if (!known) {
    ApiStatus why = limit ? who.error() : limit.error();
    net::Response response =
        co_await turn_away(std::move(*context), std::move(why), std::move(audit_id));
    metrics.count(nullptr, verb, response.status, loop.mono() - started);
    co_return response;
  }
  if (audit) {
    for (const auto& [key, value] : who->annotations) audit->annotations().add(key, value);
    bool stored = co_await audit::RequestAudit::record(audit, audit::Stage::kRequestReceived);
    if (!stored) {
      ++auditor->counts().rejected;
      Answer refused = Answer::of_raw(not_stored(audit->event().request_uri));
      co_return answered(std::move(*context), std::move(refused), audit_id);
    }
  }
  bool long_running = is_long_running(context->info);
  std::string accept_encoding = context->accept_encoding;
  Result<Answer> answer = co_await pass(*context, std::move(request.headers), *limit);
  if (audit) audit_answer(*audit, *context, answer);
  const schema::Resource* resource = context->resource;
  bool denied = context->denied;
  net::Response response = answered(std::move(*context), std::move(answer), audit_id);
  if (denied) response.headers.set("x-content-type-options", "nosniff");
  metrics.count(resource, verb, response.status, loop.mono() - started);
  if (audit)
    response = co_await audit_response(std::move(audit), std::move(response), long_running);
  if (response.body && response.body->size() >= kMinGzipBytes && accepts_gzip(accept_encoding)) {
    co_await compress(response, std::move(accept_encoding));
  }
  co_return response;
}

Task<void> ApiServer::Impl::compress(net::Response& response, std::string accept_encoding) {
  if (response.headers.has("content-encoding")) co_return;
  net::Bytes plain = response.body;
  std::string packed = co_await run_blocking(loop, pool, [plain] { return gzip(*plain); });
  if (packed.empty()) co_return;
  response.body = std::make_shared<const std::string>(std::move(packed));
  response.headers.set("content-encoding", "gzip");
  response.headers.add("vary", "Accept-Encoding");
}

net::Response ApiServer::Impl::answered(RequestContext context, Result<Answer> answer,
                                        std::string_view audit_id) {
  net::Response response = respond(loop, std::move(context), std::move(answer), stopping.token());
  response.headers.set("audit-id", audit_id);
  return response;
}

// ---- in process ----

Task<Result<Answer>> ApiServer::call(InProcessRequest request) {
  Result<ParsedRequest> parsed = parse_request_info(request.method, request.path, request.query);
  if (!parsed) co_return parsed.error();
  RequestContext context;
  context.info = std::move(parsed->info);
  context.method = std::move(request.method);
  context.raw_path = std::move(request.path);
  context.query = Query::parse(request.query);
  context.raw_query = std::move(request.query);
  context.content_type = std::move(request.content_type);
  context.accept = std::move(request.accept);
  context.user_agent = std::move(request.user_agent);
  context.body = std::move(request.body);
  context.object = std::move(request.object);
  context.user = std::move(request.user);
  context.gone = request.stop;
  context.in_process = true;
  context.now = impl_->loop.wall();
  if (impl_->auditor) co_return co_await impl_->audited_call(std::move(context));
  co_return co_await impl_->called(context);
}

Task<Result<Answer>> ApiServer::Impl::called(RequestContext& context) {
  Result<void> allowed = authorize(context);
  context.denied = !allowed;
  if (!allowed) co_return allowed.error();
  MonoTime started = loop.mono();
  Result<Answer> answer = co_await limited(context, "");
  int code = answer ? answer->code : answer.error().code();
  metrics.count(context.resource, context.info.verb, code, loop.mono() - started);
  co_return answer;
}

// Such a request has no source address.
Task<Result<Answer>> ApiServer::Impl::audited_call(RequestContext context) {
  audit::RequestFacts facts;
  facts.audit_id = random.uuid();
  facts.request_uri = context.raw_path;
  if (!context.raw_query.empty()) facts.request_uri += "?" + context.raw_query;
  facts.user_agent = context.user_agent;
  facts.received = context.now;
  context.audit = auditor->begin(std::move(facts), context.user, context.info.attributes());
  std::shared_ptr<audit::RequestAudit> audit = context.audit;
  if (audit) {
    bool stored = co_await audit::RequestAudit::record(audit, audit::Stage::kRequestReceived);
    if (!stored) {
      ++auditor->counts().rejected;
      co_return ApiStatus::internal("failed to store audit event");
    }
  }
  bool long_running = is_long_running(context.info);
  Result<Answer> answer = co_await called(context);
  if (!audit) co_return answer;
  audit_answer(*audit, context, answer);
  co_return co_await audit_call(std::move(audit), std::move(answer), long_running);
}

}  // namespace tiphys::apiserver
