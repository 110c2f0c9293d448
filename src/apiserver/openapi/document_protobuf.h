// An OpenAPI document's JSON as protobuf: gnostic's openapi.v2.Document or openapi.v3.Document.
// Members that these messages (or our documents) do not have are left out. Pure.
// https://github.com/google/gnostic-models: openapiv2/OpenAPIv2.proto, openapiv3/OpenAPIv3.proto
#pragma once
#include <string>

#include "base/result.h"

namespace tiphys::apiserver {

// Error: the text is no JSON.
Result<std::string> document_protobuf_v2(std::string_view json);
Result<std::string> document_protobuf_v3(std::string_view json);

}  // namespace tiphys::apiserver
