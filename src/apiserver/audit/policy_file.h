// The policy file: YAML or JSON of audit.k8s.io/v1 Policy, checked as upstream checks it. Pure.
// Upstream: apiserver/pkg/audit/policy/reader.go, pkg/apis/audit/validation.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/audit/policy.h"
#include "base/result.h"

namespace tiphys::apiserver::audit {

struct LoadedPolicy {
  Policy policy;
  // What strict decoding finds wrong, `unknown field "rules[0].foo"`: upstream warns and goes on.
  std::vector<std::string> problems;
};

// Errors: "failed decoding: ...", "unknown group version field ... in policy", the rules' faults as
// one aggregate, "loaded illegal policy with 0 rules".
Result<LoadedPolicy> parse_policy(std::string_view text);

}  // namespace tiphys::apiserver::audit
