// What a KubeletConfiguration means for the kubelet's Options. Pure, but for the files that it
// names.
#pragma once
#include <string>

#include "kubelet/config/configuration.h"
#include "kubelet/options.h"

namespace tiphys::kubelet {

// Sets in `options` what the configuration says; what it leaves open keeps its value where that is
// our own (runtime, logs, cluster DNS). Requires: valid and supported. Error: names the file that
// can't be read.
Result<void> apply_configuration(const Configuration& config, Options& options);

}  // namespace tiphys::kubelet
