// The check of token requests by nodes (they pass no admission chain of their own). Pure.
// Upstream: plugin/pkg/admission/noderestriction (admitServiceAccount).
#pragma once
#include "apiserver/lookup.h"
#include "apiserver/user.h"
#include "base/result.h"

namespace tiphys::apiserver {

// A node gets only tokens that are bound to a pod of its own. Error: Forbidden.
Result<void> check_node_token_request(const UserInfo& user, std::string_view ns,
                                      std::string_view account, const Draft& token_request,
                                      const Lookup& lookup);

}  // namespace tiphys::apiserver
