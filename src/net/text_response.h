// An answer that is a text, which browsers are not to take for anything else.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace tiphys::net {

inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
inline constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";

inline Response text_response(int status, std::string text, std::string_view type = kPlainText) {
  Response out;
  out.status = status;
  out.headers.set("content-type", type);
  out.headers.set("x-content-type-options", "nosniff");
  out.body = std::make_shared<const std::string>(std::move(text));
  return out;
}

// As Go's http.NotFound.
inline Response not_found_response() { return text_response(404, "404 page not found\n"); }

}  // namespace tiphys::net
