// BootstrapTokens: --enable-bootstrap-token-auth, bearer tokens "id.secret" kept in secrets
// kube-system/bootstrap-token-<id>, for nodes that join. Loop thread only.
// Upstream: plugin/pkg/auth/authenticator/token/bootstrap;
// https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens
#pragma once
#include <optional>
#include <string_view>

#include "apiserver/lookup.h"
#include "apiserver/user.h"
#include "base/time.h"

namespace tiphys::apiserver {

class BootstrapTokens {
 public:
  // Both must outlive this.
  BootstrapTokens(const Lookup& lookup, const Clock& clock) : lookup_(lookup), clock_(clock) {}
  // The user of a token: system:bootstrap:<id> in system:bootstrappers and the secret's groups;
  // without system:authenticated. nullopt: no such token, expired, or not for authentication.
  std::optional<UserInfo> find(std::string_view token) const;

 private:
  const Lookup& lookup_;
  const Clock& clock_;
};

}  // namespace tiphys::apiserver
