// What absent fields of a KubeletConfiguration become. Pure.
#pragma once
#include "object/object.h"

namespace tiphys::kubelet {

void apply_configuration_defaults(Draft& configuration);

}  // namespace tiphys::kubelet
