// Impersonation: Impersonate-User, -Group, -Uid and -Extra-* headers turn a user into another one,
// where the authorizer allows the verb "impersonate" on each part. Pure over the authorizer.
// Upstream: apiserver/pkg/endpoints/filters/impersonation.go.
#pragma once
#include <optional>

#include "apiserver/authz/authorizer.h"
#include "apiserver/user.h"
#include "base/result.h"
#include "net/http.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxImpersonationHeaders = 1000;

// The user to go on as; nullopt: nothing was asked. Errors: Forbidden, naming the part;
// InternalError if groups, a uid or extras are asked for without a user. The caller drops the
// headers after.
Result<std::optional<UserInfo>> impersonate(const net::Headers& headers, const UserInfo& requestor,
                                            Authorizer& authorizer);

}  // namespace tiphys::apiserver
