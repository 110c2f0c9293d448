// How long a request may take. Pure. Upstream: apiserver/pkg/endpoints/filters/request_deadline.go,
// apiserver/pkg/server/filters/timeout.go.
#pragma once
#include <optional>

#include "apiserver/request/query.h"
#include "apiserver/request/request_info.h"
#include "base/time.h"

namespace tiphys::apiserver {

// Requests without a bound on their time: upstream's default long-running set.
bool is_long_running(const RequestInfo& info);
// The bound: the server's, or the client's shorter `timeout` ("5s"). Nothing for long-running
// requests. Error: BadRequest for a `timeout` that is no duration.
Result<std::optional<Duration>> time_limit(const RequestInfo& info, const Query& query,
                                           Duration server_limit);
// 504 for a request that took longer.
ApiStatus time_is_up(const RequestInfo& info);

}  // namespace tiphys::apiserver
