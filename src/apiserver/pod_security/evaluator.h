// Which checks a policy runs, and what they find. Pure.
// Upstream: k8s.io/pod-security-admission/policy/registry.go.
#pragma once
#include <vector>

#include "apiserver/pod_security/check.h"
#include "apiserver/pod_security/policy.h"

namespace tiphys::apiserver::pod_security {

inline constexpr int kNewestMinor = 35;  // later versions and "latest" mean this one

// Baseline's violations first, then restricted's, each in the order of the checks' ids.
std::vector<Violation> evaluate(const LevelVersion& policy, const PodParts& pod);

// "host namespaces, privileged"
std::string reasons(const std::vector<Violation>& violations);
// 'host namespaces (hostPID=true), privileged (container "c" must not ...)'
std::string details(const std::vector<Violation>& violations);

}  // namespace tiphys::apiserver::pod_security
