#include "apiserver/openapi/openapi.h"

#include <algorithm>
#include <ctime>

#include "apiserver/openapi/document_protobuf.h"
#include "apiserver/openapi/documents.h"
#include "apiserver/openapi/json_text.h"
#include "apiserver/response/gzip.h"
#include "apiserver/response/negotiation.h"
#include "base/strings.h"
#include "crypto/jwt.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kV2 = "/openapi/v2";
constexpr std::string_view kV3 = "/openapi/v3";
constexpr time_t kYearSeconds = 365 * 24 * 3600;

std::string etag_of(std::string_view text) {
  std::string etag = hex(crypto::sha512(text));
  for (char& c : etag) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  return etag;
}

std::string relative_url(std::string_view path, std::string_view hash) {
  return std::string(path) + "?hash=" + std::string(hash);
}

// A year from now: a document of a given hash never changes.
std::string expires_text(MicroTime now) {
  time_t at = static_cast<time_t>(now / 1'000'000) + kYearSeconds;
  tm parts{};
  gmtime_r(&at, &parts);
  char text[64];
  strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

bool has_etag(std::string_view if_none_match, std::string_view quoted) {
  for (std::string_view tag : split(if_none_match, ',')) {
    tag = trim(tag);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == quoted || tag == "*") return true;
  }
  return false;
}

// "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", also in its older spelling with @.
bool is_protobuf(std::string_view type, std::string_view version) {
  std::string name = "application/com.github.proto-openapi.spec." + std::string(version);
  return type == name + ".v1.0+protobuf" || type == name + "@v1.0+protobuf";
}

}  // namespace

std::string OpenApi::json_of(std::string_view path) {
  if (path == kV2) return openapi_v2_document(server_version_);
  if (path == kV3) return index_json();
  return openapi_v3_document(path.substr(kV3.size() + 1), server_version_);
}

std::string OpenApi::make(std::string_view path, Format format) {
  std::string json = json_of(path);
  if (format == Format::kJson) return json;
  auto packed = path == kV2 ? document_protobuf_v2(json) : document_protobuf_v3(json);
  return packed ? std::move(*packed) : std::string();
}

// Both formats of a document have its JSON's etag.
const OpenApi::Kept& OpenApi::keep(std::string_view path, Format format) {
  auto& documents = kept_[static_cast<size_t>(format)];
  auto at = documents.find(path);
  if (at != documents.end()) return at->second;
  std::string text = make(path, format);
  Kept kept;
  kept.etag = format == Format::kJson ? etag_of(text) : keep(path, Format::kJson).etag;
  kept.packed = std::make_shared<const std::string>(gzip(text));
  return documents.emplace(std::string(path), std::move(kept)).first->second;
}

std::string OpenApi::index_json() {
  JsonText out;
  out.open('{').key("paths").open('{');
  for (const std::string& path : openapi_v3_paths()) {
    std::string full = std::string(kV3) + "/" + path;
    out.key(path).open('{');
    out.member("serverRelativeURL", relative_url(full, keep(full, Format::kJson).etag)).close('}');
  }
  return out.close('}').close('}').take();
}

net::Response OpenApi::answer(const OpenApiRequest& request, std::string_view path, Format format) {
  const Kept& kept = keep(path, format);
  net::Response response;
  std::string_view version = path == kV2 ? "v2" : "v3";
  response.headers.set("content-type", format == Format::kJson
                                           ? "application/json"
                                           : "application/com.github.proto-openapi.spec." +
                                                 std::string(version) + ".v1.0+protobuf");
  std::string quoted = "\"" + kept.etag + "\"";
  response.headers.set("etag", quoted);
  if (path != kV3) response.headers.set("vary", "Accept");
  if (path.size() > kV3.size() && !request.hash.empty()) {
    if (request.hash != kept.etag) {
      response.status = 301;
      response.headers.set("location", relative_url(path, kept.etag));
      return response;
    }
    response.headers.set("cache-control", "public, immutable");
    response.headers.set("expires", expires_text(request.now));
  }
  if (has_etag(request.if_none_match, quoted)) {
    response.status = 304;
    return response;
  }
  if (accepts_gzip(request.accept_encoding)) {
    response.headers.set("content-encoding", "gzip");
    response.headers.add("vary", "Accept-Encoding");
    response.body = kept.packed;
  } else {
    response.body = std::make_shared<const std::string>(make(path, format));
  }
  return response;
}

net::Response OpenApi::negotiated(const OpenApiRequest& request, std::string_view path) {
  std::string_view version = path == kV2 ? "v2" : "v3";
  for (std::string_view type : accepted_types(request.accept)) {
    if (type == "application/json" || type == "application/*" || type == "*/*" || type == "*") {
      return answer(request, path, Format::kJson);
    }
    if (is_protobuf(type, version)) return answer(request, path, Format::kProtobuf);
  }
  net::Response response;
  response.status = 406;
  response.headers.set("vary", "Accept");
  return response;
}

std::optional<net::Response> OpenApi::handle(const OpenApiRequest& request) {
  if (request.path == kV2) return negotiated(request, kV2);
  if (request.path == kV3) return answer(request, kV3, Format::kJson);
  auto rest = cut_prefix(request.path, "/openapi/v3/");
  if (!rest) return std::nullopt;
  std::vector<std::string> served = openapi_v3_paths();
  if (std::find(served.begin(), served.end(), *rest) == served.end()) return std::nullopt;
  return negotiated(request, request.path);
}

}  // namespace tiphys::apiserver
