// Lists: which state of the cache or the store answers, by resourceVersion, resourceVersionMatch,
// limit and continue. Loop thread only.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
#pragma once
#include "apiserver/handlers/handler_env.h"
#include "apiserver/handlers/options.h"
#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/request_context.h"

namespace tiphys::apiserver {

inline constexpr Duration kFreshTimeout = std::chrono::seconds(3);  // upstream's blockTimeout

// The part of the list that the request's options ask for, in the request's version. Errors:
// BadRequest (selectors, resourceVersion, continue), Timeout 504 (a revision that is not there
// yet), Expired 410 (one that is gone; with a token to go on with if a continue token was given).
Task<Result<ListAnswer>> read_list(HandlerEnv& env, const RequestContext& context,
                                   ListOptions options);

// 'resourceVersion: Invalid value: "x": strconv.ParseUint: ...', code 500 and no reason: upstream's
// storage error, which get and watch pass on as it is.
ApiStatus invalid_resource_version(std::string_view text);

}  // namespace tiphys::apiserver
