// Handlers of resource requests, one file a verb. Each gets the request with resource, subresource
// and media type already found, and gives an Answer or the Status to fail with.
// Upstream: k8s.io/apiserver/pkg/endpoints/handlers.
#pragma once
#include "apiserver/handlers/handler_env.h"

namespace tiphys::apiserver {

// Routes to one of the below, by verb and subresource. Sets context.resource and friends.
Task<Result<Answer>> handle_resource(HandlerEnv& env, RequestContext& context);

Task<Result<Answer>> handle_get(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_list(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_watch(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_create(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_update(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_patch(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_delete(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_delete_collection(HandlerEnv& env, RequestContext& context);

// Subresources that are no plain view of the object.
Task<Result<Answer>> handle_scale(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_binding(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_eviction(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_token(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_log(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_pod_stream(HandlerEnv& env, RequestContext& context);
Task<Result<Answer>> handle_proxy(HandlerEnv& env, RequestContext& context);

// Kinds of metrics.k8s.io, which are computed (README.md of resource_metrics/). Errors: NotFound of
// what doesn't exist or has no figures; ServiceUnavailable without a connector.
bool is_resource_metrics(const schema::Resource& resource);
Task<Result<Answer>> handle_resource_metrics(HandlerEnv& env, RequestContext& context);

// The computed kind of scheduling.tiphys.io. Errors: NotFound of the pod; ServiceUnavailable
// without a handler.
bool is_placement(const schema::Resource& resource);
Task<Result<Answer>> handle_placement(HandlerEnv& env, RequestContext& context);

}  // namespace tiphys::apiserver
