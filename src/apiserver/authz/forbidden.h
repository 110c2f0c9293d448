// What a refusal says. Upstream: apiserver/pkg/endpoints/handlers/responsewriters/errors.go.
#pragma once
#include "apiserver/authz/authorizer.h"
#include "base/status.h"

namespace tiphys::apiserver {

// 'User "x" cannot list resource "pods" in API group "" in the namespace "default"', HTML-escaped.
std::string forbidden_message(const UserInfo& user, const Attributes& attributes);
// 403: 'pods is forbidden: <that>', and ': <reason>' if there is one.
ApiStatus forbidden_status(const UserInfo& user, const Attributes& attributes,
                           std::string_view reason);

}  // namespace tiphys::apiserver
