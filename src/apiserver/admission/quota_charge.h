// Charging one request to the quotas of its namespace: pure arithmetic over their status.
// Upstream: apiserver/pkg/admission/plugin/resourcequota/controller.go (CheckRequest).
#pragma once
#include <string>
#include <vector>

#include "apiserver/admission/admission.h"
#include "kinds/quota_usage.h"

namespace tiphys::apiserver {

// A ResourceQuota with what it would have in use.
struct RunningQuota {
  explicit RunningQuota(ObjectPtr quota);
  std::string_view name() const;
  core_v1::ResourceQuotaSpec spec() const;
  // The object with `used` in its status.
  Draft with_usage() const;

  ObjectPtr object;
  kinds::ResourceSums hard;
  kinds::ResourceSums used;
  bool changed = false;
};

// Whether a request may change what its object takes.
bool may_cost_quota(const AdmissionRequest& request);

// Adds what the request takes (on updates: takes more than before) to the quotas it is about.
// Errors: Forbidden (exceeded, not specified, status unknown); the quotas are then to be dropped.
Result<void> charge(const AdmissionRequest& request, std::vector<RunningQuota>& quotas);

}  // namespace tiphys::apiserver
