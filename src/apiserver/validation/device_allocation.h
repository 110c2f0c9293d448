// Which devices a ResourceClaim has been given. Pure.
#pragma once
#include <set>
#include <string>

#include "kinds/resource_v1.h"

namespace tiphys::apiserver {

// What an allocated device, or its status, is known by: driver, pool, name and share.
template <class Device>
std::string shared_device(Device device) {
  std::string id(device.driver());
  for (std::string_view part : {device.pool(), device.device(), device.share_id()}) {
    id.append("\n").append(part);
  }
  return id;
}

std::set<std::string> allocated_devices(resource_v1::ResourceClaim claim);

}  // namespace tiphys::apiserver
