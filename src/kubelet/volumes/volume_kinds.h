// Which volumes of a pod are wanted, and what this kubelet can't do with them, in words. Pure.
#pragma once
#include <set>
#include <string>

#include "kinds/core_v1.h"

namespace tiphys::kubelet {

// The volumes that some container mounts: nobody cares for the others, as in upstream.
std::set<std::string, std::less<>> used_volumes(core_v1::PodSpec spec);

// A volume that can't even be looked at: upstream's volume manager says such things of a pod at
// once ('Unable to attach or mount volumes ... failed to process volumes=[x]: <this>').
// "": it can be tried.
std::string unprocessable(core_v1::Volume volume, std::string_view ns);
// A volume whose set-up is known to fail ('MountVolume.SetUp failed for volume "x" : <this>'). "":
// it can be tried.
std::string unsupported(core_v1::Volume volume);

}  // namespace tiphys::kubelet
