// /healthz of the kubelet's servers: ping, log and syncloop, as upstream names them. Pure.
//
// All three stand for one fact: the loop that syncs pods and writes the log is the one that
// answers.
#pragma once
#include <string_view>

#include "net/http.h"

namespace tiphys::kubelet {

// path: "/healthz" or below it. 404 for a check that is not there.
net::Response healthz_answer(std::string_view path, std::string_view query);

}  // namespace tiphys::kubelet
