// What of a KubeletConfiguration this kubelet can't do. Pure.
//
// A field is known, and either does something (configuration_options.h), or has a row here that
// says which values ask for what happens anyway; any other value is refused by name. Nothing is
// ignored.
#pragma once
#include "kubelet/config/configuration.h"

namespace tiphys::kubelet {

// Requires: valid. BadRequest: every field whose value is not supported, with the reason.
Result<void> check_configuration_support(const Configuration& config);
// The fields that are spoken of here or in Options: all of them, as a test shows.
std::vector<std::string_view> known_configuration_fields();

}  // namespace tiphys::kubelet
