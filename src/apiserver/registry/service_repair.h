// What is wrong between Services and IPAddresses, and what to do about it. Writes keep both
// together; only clients that write IPAddresses themselves, and clusters from before there were
// any, leave something to repair. Pure.
// Upstream: pkg/registry/core/service/ipallocator/controller/repairip.go.
#pragma once
#include <vector>

#include "apiserver/lookup.h"
#include "base/time.h"

namespace tiphys::apiserver {

// Younger addresses may belong to a service that is just being written by somebody else.
inline constexpr MicroTime kAddressGrace = 60 * kMicrosPerSecond;

struct AddressRepair {
  ObjectPtr remove;  // an IPAddress that has no service, or another one's; null: none
  ObjectPtr create;  // the IPAddress that is missing; null: none
};

// In the order of services, then of addresses. Empty: all well.
std::vector<AddressRepair> plan_address_repair(const Lookup& lookup, MicroTime now);

}  // namespace tiphys::apiserver
