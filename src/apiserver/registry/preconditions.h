// What must hold of a stored object for a write to happen. Pure.
// Upstream: apiserver/pkg/storage.Preconditions.
#pragma once
#include <string>

#include "apiserver/registry/meta.h"

namespace tiphys::apiserver {

struct Preconditions {  // "": not asked for
  std::string uid;
  std::string resource_version;
};

// 'Precondition failed: UID in precondition: a, UID in object meta: b'; "": they hold.
std::string failed_precondition(const Preconditions& wanted, const MetaView& have);

}  // namespace tiphys::apiserver
