#include "apiserver/openapi/openapi.h"

namespace tiphys::apiserver {

std::optional<net::Response> handle_openapi(std::string_view, std::string_view, std::string_view) {
  return std::nullopt;
}

}  // namespace tiphys::apiserver
