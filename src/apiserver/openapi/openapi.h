// OpenAPI documents of the served API, v3 by group version and v2 whole, from the schema tables.
// Pure; documents are made at the first request and kept.
#pragma once
#include <optional>
#include <string_view>

#include "net/http.h"

namespace tiphys::apiserver {

// Nothing: no such document.
std::optional<net::Response> handle_openapi(std::string_view path, std::string_view accept,
                                            std::string_view if_none_match);

}  // namespace tiphys::apiserver
