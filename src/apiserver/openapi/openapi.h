// OpenAPI v3 documents of the served API, one a group version, from the schema tables. Version 2 is
// not served: clients of today use version 3, or validation on the server.
// https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
#pragma once
#include <optional>
#include <string_view>

#include "net/http.h"

namespace tiphys::apiserver {

// Nothing: no such document.
std::optional<net::Response> handle_openapi(std::string_view path, std::string_view if_none_match);

}  // namespace tiphys::apiserver
