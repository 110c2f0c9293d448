// Nobody may grant what they don't have: checks of written roles and bindings. Pure.
// Upstream: pkg/registry/rbac/*/policybased, pkg/registry/rbac/validation (KEP: RBAC escalation).
#pragma once
#include "apiserver/authz/rbac.h"
#include "base/result.h"

namespace tiphys::apiserver {

// Whether `user` has, in namespace `ns`, every right of the rules. Error: Forbidden on `resource`
// `name`: user "x" (groups=["y"]) is attempting to grant RBAC permissions not currently held: ...
Result<void> check_no_escalation(const RbacAuthorizer& rbac, const UserInfo& user,
                                 std::string_view ns, std::string_view resource,
                                 std::string_view name, const std::vector<Rule>& rules);

}  // namespace tiphys::apiserver
