// What this kubelet can't do with volumes, in words. Pure.
#pragma once
#include <string>

#include "kinds/core_v1.h"

namespace tiphys::kubelet {

// A volume that can't even be looked at: upstream's volume manager says such things of a pod at
// once ('Unable to attach or mount volumes ... failed to process volumes=[x]: <this>').
// "": it can be tried.
std::string unprocessable(core_v1::Volume volume, std::string_view ns);
// A volume whose set-up is known to fail ('MountVolume.SetUp failed for volume "x" : <this>'). "":
// it can be tried.
std::string unsupported(core_v1::Volume volume);

}  // namespace tiphys::kubelet
