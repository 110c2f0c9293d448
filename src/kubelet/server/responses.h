// Answers of the kubelet's servers.
#pragma once
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/http.h"

namespace tiphys::kubelet {

inline net::Response response_of(int status, std::string body, std::string_view type) {
  net::Response out;
  out.status = status;
  out.headers.add("content-type", type);
  out.headers.add("x-content-type-options", "nosniff");
  out.body = std::make_shared<const std::string>(std::move(body));
  return out;
}

inline net::Response text_response(int status, std::string text) {
  return response_of(status, std::move(text), "text/plain; charset=utf-8");
}

inline net::Response json_response(std::string json) {
  return response_of(200, std::move(json), "application/json");
}

inline net::Response metrics_response(std::string text) {
  return response_of(200, std::move(text), "text/plain; version=0.0.4; charset=utf-8");
}

// As Go's http.NotFound.
inline net::Response not_found_response() { return text_response(404, "404 page not found\n"); }

// As gRPC's Go client writes an error of the runtime.
inline std::string runtime_error_text(const ApiStatus& error) {
  bool of_runtime = error.reason() != "InternalError" && error.reason() != "BadRequest";
  return (of_runtime ? "rpc error: code = " + error.reason() + " desc = " : "") + error.message();
}

}  // namespace tiphys::kubelet
