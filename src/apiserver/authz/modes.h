// ModeAuthorizer: --authorization-mode, a list of authorizers asked in turn, behind the shortcut
// for system:masters. Loop thread only. Upstream: apiserver/pkg/authorization/union,
// pkg/kubeapiserver.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authz/authorizer.h"
#include "base/result.h"

namespace tiphys::apiserver {

enum class AuthorizationMode : uint8_t { kAlwaysAllow, kAlwaysDeny, kNode, kRbac };

// "Node,RBAC". Errors (InternalError) as upstream's flag validation, for unknown, repeated and
// missing modes. ABAC and Webhook are answered as not supported.
Result<std::vector<AuthorizationMode>> parse_authorization_modes(std::string_view flag);

class AlwaysAllow : public Authorizer {
 public:
  Verdict authorize(const UserInfo&, const Attributes&) override { return {Decision::kAllow, ""}; }
};

class AlwaysDeny : public Authorizer {
 public:
  Verdict authorize(const UserInfo&, const Attributes&) override {
    return {Decision::kNoOpinion, "Everything is forbidden."};
  }
};

// --authorization-always-allow-paths: paths that are no resources, open to everybody; one that ends
// in "*" stands for all below. Upstream: apiserver/pkg/authorization/path.
class AllowedPaths : public Authorizer {
 public:
  // Error (InternalError): a "*" that isn't at the end.
  static Result<std::unique_ptr<AllowedPaths>> create(const std::vector<std::string>& paths);
  Verdict authorize(const UserInfo&, const Attributes& attributes) override;

 private:
  std::vector<std::string> paths_;  // without the leading slash
  std::vector<std::string> prefixes_;
};

class ModeAuthorizer : public Authorizer {
 public:
  // The authorizers must outlive this.
  explicit ModeAuthorizer(std::vector<Authorizer*> authorizers)
      : authorizers_(std::move(authorizers)) {}
  // The first that allows or denies decides; else no opinion, with all reasons, one a line.
  Verdict authorize(const UserInfo& user, const Attributes& attributes) override;

 private:
  std::vector<Authorizer*> authorizers_;
};

}  // namespace tiphys::apiserver
