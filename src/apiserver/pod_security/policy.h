// The policy that a namespace's pod-security.kubernetes.io/* labels ask for: a level and a version
// each for enforce, audit and warn. Values; pure.
// Upstream: k8s.io/pod-security-admission/api.
#pragma once
#include <cstdint>
#include <string>

#include "apiserver/registry/field_error.h"
#include "object/value.h"

namespace tiphys::apiserver::pod_security {

enum class Level : uint8_t { kPrivileged, kBaseline, kRestricted };  // ever stricter

inline constexpr int kLatest = INT32_MAX;

struct LevelVersion {
  Level level = Level::kPrivileged;
  int minor = kLatest;  // of v1.<minor>
  bool operator==(const LevelVersion&) const = default;
  std::string text() const;  // "baseline:v1.24", "restricted:latest"
};

struct Policy {
  LevelVersion enforce;
  LevelVersion audit;
  LevelVersion warn;
};

// Labels that can't be read are errors, and count as restricted and latest (for enforce) or as
// privileged (for audit and warn). A stricter enforce level is warned about too, unless a warn
// label says otherwise.
Policy policy_of(const Node& labels, FieldErrors& errors);

}  // namespace tiphys::apiserver::pod_security
