// The OpenAPI documents as JSON text, made anew by each call. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::apiserver {

// server_version: "v1.35.2"
std::string openapi_v2_document(std::string_view server_version);
// What version 3 has documents of: "api", "api/v1", "apis", "apis/apps", "apis/apps/v1", "version".
std::vector<std::string> openapi_v3_paths();
// path: one of these.
std::string openapi_v3_document(std::string_view path, std::string_view server_version);

}  // namespace tiphys::apiserver
