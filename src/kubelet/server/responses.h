// Answers of the kubelet's servers.
#pragma once
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/text_response.h"

namespace tiphys::kubelet {

using net::not_found_response;
using net::text_response;

inline net::Response json_response(std::string json) {
  return text_response(200, std::move(json), "application/json");
}

inline net::Response metrics_response(std::string text) {
  return text_response(200, std::move(text), net::kMetricsText);
}

// As gRPC's Go client writes an error of the runtime.
inline std::string runtime_error_text(const ApiStatus& error) {
  bool of_runtime = error.reason() != "InternalError" && error.reason() != "BadRequest";
  return (of_runtime ? "rpc error: code = " + error.reason() + " desc = " : "") + error.message();
}

}  // namespace tiphys::kubelet
