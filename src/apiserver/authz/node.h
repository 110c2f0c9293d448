// NodeAuthorizer: what a kubelet (system:node:NAME in group system:nodes) may do: its own Node,
// Lease and CSINode, and what the pods bound to its node need: their secrets, config maps, claims,
// volumes and service account tokens. Other users: no opinion. Loop thread only; no I/O. Upstream:
// plugin/pkg/auth/authorizer/node (KEP-279, KEP-4601).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "apiserver/authz/authorizer.h"
#include "apiserver/lookup.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// The node's name if the user is a node; nullopt otherwise.
std::optional<std::string_view> node_of(const UserInfo& user);

class NodeAuthorizer : public Authorizer {
 public:
  // `rules`: the role system:node, for what needs no look at objects (see bootstrap_policy.h).
  NodeAuthorizer(Lookup& lookup, ObjectPtr rules);
  Verdict authorize(const UserInfo& user, const Attributes& attributes) override;

 private:
  // What pods of one node refer to: "<type>/<ns>/<name>" -> how many of them.
  using References = std::map<std::string, int, std::less<>>;

  void change_pod(const ObjectPtr& old, const ObjectPtr& now);
  void change_volume(const ObjectPtr& old, const ObjectPtr& now);
  void count(const Object& pod, int by);
  bool refers(std::string_view node, std::string_view type, std::string_view ns,
              std::string_view name) const;
  bool reaches(std::string_view node, std::string_view type, const Attributes& attributes) const;
  bool reaches_volume(std::string_view node, std::string_view name) const;

  std::optional<Verdict> authorize_own(std::string_view node, const Attributes& attributes) const;
  Verdict authorize_get(std::string_view node, std::string_view type,
                        const Attributes& attributes) const;
  Verdict authorize_read(std::string_view node, std::string_view type,
                         const Attributes& attributes) const;
  Verdict authorize_claim(std::string_view node, const Attributes& attributes) const;
  Verdict authorize_account(std::string_view node, const Attributes& attributes) const;
  Verdict authorize_lease(std::string_view node, const Attributes& attributes) const;
  Verdict authorize_csi_node(std::string_view node, const Attributes& attributes) const;
  Verdict authorize_slice(std::string_view node, const Attributes& attributes) const;
  Verdict authorize_node(std::string_view node, const Attributes& attributes) const;
  Verdict authorize_pod(std::string_view node, const Attributes& attributes) const;

  Lookup& lookup_;
  ObjectPtr rules_;
  std::unordered_map<std::string, References> nodes_;
  // "ns/secret" of a persistent volume's plugin -> volumes' names.
  std::map<std::string, std::map<std::string, int>, std::less<>> volume_secrets_;
};

}  // namespace tiphys::apiserver
