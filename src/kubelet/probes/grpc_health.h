// Messages of grpc.health.v1.Health/Check. Pure; the answer is a stranger's bytes.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tiphys::kubelet {

std::string health_check_request(std::string_view service);
// The name of the answer's status: "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN", or its
// number; nothing: that is no answer.
std::optional<std::string> health_check_status(std::string_view response);

}  // namespace tiphys::kubelet
