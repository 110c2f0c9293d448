// OpenApi: serves /openapi/v2 and /openapi/v3 of the built-in API, as JSON or protobuf. Documents
// are made when they are first asked for, and kept packed (gzip). Loop thread only.
// https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-specification
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "net/http.h"

namespace tiphys::apiserver {

struct OpenApiRequest {
  std::string_view path;  // "/openapi/v3/apis/apps/v1"
  std::string_view hash;  // of the query
  std::string_view accept;
  std::string_view accept_encoding;
  std::string_view if_none_match;
  MicroTime now = 0;
};

class OpenApi {
 public:
  explicit OpenApi(std::string server_version) : server_version_(std::move(server_version)) {}
  // Nothing: no such document.
  std::optional<net::Response> handle(const OpenApiRequest& request);

 private:
  struct Kept {
    std::string etag;  // without quotes
    net::Bytes packed;
  };
  enum class Format : uint8_t { kJson, kProtobuf };
  std::string json_of(std::string_view path);
  std::string make(std::string_view path, Format format);
  const Kept& keep(std::string_view path, Format format);
  net::Response answer(const OpenApiRequest& request, std::string_view path, Format format);
  net::Response negotiated(const OpenApiRequest& request, std::string_view path);
  std::string index_json();

  std::string server_version_;
  std::map<std::string, Kept, std::less<>> kept_[2];  // by format, then path
};

}  // namespace tiphys::apiserver
