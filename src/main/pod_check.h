// The API's validation of pods for the kubelet, which reads pods from files. Pure.
#pragma once
#include "base/result.h"
#include "object/object.h"

namespace tiphys {

// As at a creation. Error: the fields' errors in brackets, as upstream prints a list of them.
Result<void> check_new_pod(const Object& pod);

}  // namespace tiphys
