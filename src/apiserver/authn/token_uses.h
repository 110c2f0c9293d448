// Counts of service account tokens that were used, as upstream's metrics tell them. Loop thread
// only. Upstream: kubernetes/pkg/serviceaccount/metrics.go.
#pragma once
#include <cstdint>
#include <string>

namespace tiphys::apiserver {

struct TokenUses {
  // Tokens with a time to warn after (extended ones).
  uint64_t valid = 0;
  uint64_t stale = 0;  // past that time
  // Tokens in Secrets, with those that were refused; of the good ones:
  uint64_t legacy = 0;
  uint64_t legacy_auto = 0;  // their account lists the Secret
  uint64_t legacy_manual = 0;
  uint64_t legacy_invalid = 0;  // refused: marked as invalid
};

// In the Prometheus text format.
std::string metrics_text(const TokenUses& uses);

}  // namespace tiphys::apiserver
