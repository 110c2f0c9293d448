// RbacAuthorizer: role-based access control over the watch caches' roles and bindings, indexed by
// subject, so that a check costs as much as the user has bindings. Loop thread only; no I/O.
// Upstream: plugin/pkg/auth/authorizer/rbac, pkg/registry/rbac/validation/rule.go.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/authz/authorizer.h"
#include "apiserver/authz/rule.h"
#include "apiserver/lookup.h"

namespace tiphys::apiserver {

class RbacAuthorizer : public Authorizer {
 public:
  // Follows the four kinds of rbac.authorization.k8s.io. The lookup must outlive this, and this the
  // last change that the lookup reports.
  explicit RbacAuthorizer(Lookup& lookup);

  // kAllow, with the binding as the reason, or kNoOpinion with what went wrong: 'RBAC:
  // clusterrole.rbac.authorization.k8s.io "x" not found'.
  Verdict authorize(const UserInfo& user, const Attributes& attributes) override;

  // All rules that the user has in a namespace ("" for cluster-wide ones only). What could not be
  // resolved goes to errors, which may be null.
  std::vector<Rule> rules_for(const UserInfo& user, std::string_view ns,
                              std::vector<std::string>* errors) const;
  // The rules of a role that a binding refers to; null if it doesn't exist.
  ObjectPtr find_role(std::string_view kind, std::string_view name, std::string_view ns) const;
  static ListView<rbac_v1::PolicyRule> rules_of(const Object& role);

 private:
  struct Binding {
    ObjectPtr object;  // keeps the texts alive
    bool cluster = false;
    std::string_view ns;
    std::string_view name;
    std::string_view role_kind;
    std::string_view role_name;
  };
  using SubjectIndex = std::unordered_map<std::string, std::vector<Binding>>;
  // True ends the visit.
  using Visitor =
      std::function<bool(const Binding&, const std::string& subject, const rbac_v1::PolicyRule&)>;
  void visit(const UserInfo& user, std::string_view ns, std::vector<std::string>* errors,
             const Visitor& visitor) const;
  bool visit_subject(const SubjectIndex& index, const std::string& subject,
                     std::vector<std::string>* errors, const Visitor& visitor) const;
  void change_role(bool cluster, const ObjectPtr& old, const ObjectPtr& now);
  void change_binding(bool cluster, const ObjectPtr& old, const ObjectPtr& now);

  std::unordered_map<std::string, ObjectPtr> roles_;        // "name" or "ns/name"
  SubjectIndex cluster_bindings_;                           // by "U<user>" or "G<group>"
  std::unordered_map<std::string, SubjectIndex> bindings_;  // by namespace
};

}  // namespace tiphys::apiserver
