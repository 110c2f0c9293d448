// /debug/ of the kubelet's server: the verbosity of the log, and what of Go's profiles is here.
// Source: k8s.io/apiserver routes/flags.go, component-base logs.go (GlogSetter), net/http/pprof.
#pragma once
#include <string>
#include <string_view>

#include "net/http.h"

namespace tiphys::kubelet {

// PUT /debug/flags/v: sets the verbosity of the process.
net::Response verbosity_answer(std::string_view method, const std::string& body);
// /debug/pprof/<profile>: cmdline, of this process. Others are Go's: "Unknown profile".
net::Response profile_answer(std::string_view profile);

}  // namespace tiphys::kubelet
