// Policy: which requests are audited, and how much of them is told. Values; pure.
// Upstream: audit.k8s.io/v1 Policy, apiserver/pkg/audit/policy/checker.go.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apiserver/audit/level.h"
#include "apiserver/user.h"

namespace tiphys::apiserver::audit {

// "pods", "pods/log", "pods/*" (subresources, and pods), "*/scale", "*"; none: all of the group.
struct GroupResources {
  std::string group;
  std::vector<std::string> resources;
  std::vector<std::string> resource_names;  // none: every object
};

// An empty list takes everything; what is given must match.
struct PolicyRule {
  Level level = Level::kNone;
  std::vector<std::string> users;
  std::vector<std::string> user_groups;
  std::vector<std::string> verbs;
  std::vector<GroupResources> resources;
  std::vector<std::string> namespaces;         // "": what is in no namespace
  std::vector<std::string> non_resource_urls;  // a trailing * stands for all that begins so
  Stages omit_stages;
  std::optional<bool> omit_managed_fields;
};

struct Policy {
  std::vector<PolicyRule> rules;
  Stages omit_stages;
  bool omit_managed_fields = false;
};

// What is told about one request.
struct RequestConfig {
  Level level = Level::kNone;
  Stages omit_stages;
  bool omit_managed_fields = false;
};

// The first rule that matches decides; level None if none does.
RequestConfig evaluate(const Policy& policy, const UserInfo& user, const Attributes& attributes);

}  // namespace tiphys::apiserver::audit
