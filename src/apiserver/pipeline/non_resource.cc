#include "apiserver/pipeline/non_resource.h"

#include <vector>

#include "base/build_info.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "net/text_response.h"

namespace tiphys::apiserver {
namespace {

using net::text_response;

constexpr std::string_view kMinCompatibilityMinor = "34";

std::string version_json(const std::string& git_version) {
  const BuildInfo& b = kBuildInfo;
  struct {
    std::string_view name, value;
  } fields[] = {{"major", b.major},
                {"minor", b.minor},
                {"emulationMajor", b.major},
                {"emulationMinor", b.minor},
                {"minCompatibilityMajor", b.major},
                {"minCompatibilityMinor", kMinCompatibilityMinor},
                {"gitVersion", git_version},
                {"gitCommit", b.git_commit},
                {"gitTreeState", b.git_tree_state},
                {"buildDate", b.build_date},
                {"goVersion", b.go_version},
                {"compiler", b.compiler},
                {"platform", b.platform}};
  std::string out;
  for (auto [name, value] : fields) {
    out += (out.empty() ? "{\n  \"" : ",\n  \"") + std::string(name) + "\": \"" +
           std::string(value) + "\"";
  }
  return out + "\n}";
}

std::optional<net::Response> static_document(const NonResourceEnv& env, std::string_view path) {
  auto found = env.documents->find(path);
  if (found == env.documents->end()) return std::nullopt;
  net::Response response = text_response(200, found->second.body, found->second.content_type);
  response.headers.set("cache-control", "public, max-age=3600");
  return response;
}

Answer aggregated(const NonResourceEnv& env, const DiscoveryType& type, std::string_view path,
                  const Object& document, std::string_view if_none_match) {
  net::Response response;
  const std::string& etag = env.discovery->etag(path);
  response.headers.set("content-type", std::string(content_type(type.format)) +
                                           ";g=apidiscovery.k8s.io;v=" + std::string(type.version) +
                                           ";as=APIGroupDiscoveryList");
  response.headers.set("etag", etag);
  response.headers.set("vary", "Accept");
  if (if_none_match == etag) {
    response.status = 304;
    return Answer::of_raw(std::move(response));
  }
  // v2beta1 has the same fields as v2.
  GroupVersionKind kind{"apidiscovery.k8s.io", type.version, "APIGroupDiscoveryList"};
  std::string text;
  codec::encode_object(type.format, document.type(), document.root(), &kind, text);
  if (type.format == codec::Format::kJson) text += '\n';
  response.body = std::make_shared<const std::string>(std::move(text));
  return Answer::of_raw(std::move(response));
}

std::string paths_json() {
  return "{\n  \"paths\": [\n    \"/api\",\n    \"/api/v1\",\n    \"/apis\",\n    \"/healthz\",\n"
         "    \"/livez\",\n    \"/metrics\",\n    \"/metrics/slis\",\n    \"/openapi/v2\",\n    "
         "\"/openapi/v3\",\n"
         "    \"/readyz\",\n    \"/version\"\n  ]\n}";
}

ApiStatus no_such_path() {
  ApiStatus::Data data;
  data.code = 404;
  data.reason = "NotFound";
  data.message = "the server could not find the requested resource";
  data.has_details = true;
  return ApiStatus(std::move(data));
}

ApiStatus wrong_method() {
  ApiStatus::Data data;
  data.code = 405;
  data.reason = "MethodNotAllowed";
  data.message = "the server does not allow this method on the requested resource";
  data.has_details = true;
  return ApiStatus(std::move(data));
}

// True for paths below /api/ or below a served group: their 404s are Status objects.
bool is_api_path(const NonResourceEnv& env, std::string_view path) {
  if (path.starts_with("/api/")) return true;
  auto rest = cut_prefix(path, "/apis/");
  return rest && env.discovery->serves_group(rest->substr(0, rest->find('/')));
}

std::string without_last_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

bool asks_for_store(const NonResourceEnv& env, const RequestContext& context) {
  std::string path = without_last_slashes(context.info.path);
  return env.health->runs(path, context.raw_query, kEtcdCheck) ||
         env.health->runs(path, context.raw_query, kEtcdReadinessCheck);
}

net::Response page_not_found() { return net::not_found_response(); }

Result<Answer> handle_non_resource(const NonResourceEnv& env, RequestContext& context,
                                   std::string_view if_none_match) {
  std::string path = without_last_slashes(context.info.path);
  ObjectPtr document = env.discovery->find(path);
  if (document && context.method != "GET") return wrong_method();
  if (document) {
    ObjectPtr all = env.discovery->find_aggregated(path);
    auto type = all ? negotiate_discovery(context.accept) : std::nullopt;
    if (type) return aggregated(env, *type, path, *all, if_none_match);
    return Answer::of(document);
  }
  if (auto checked = env.health->answer(path, context.raw_query)) {
    return Answer::of_raw(std::move(*checked));
  }
  if (path == "/version") {
    if (context.method != "GET") return wrong_method();
    return Answer::of_raw(text_response(200, version_json(env.git_version), "application/json"));
  }
  if (path == "/metrics") {
    return Answer::of_raw(text_response(200, env.metrics->text(), net::kMetricsText));
  }
  if (path == "/metrics/slis") return Answer::of_raw(env.health->slis(context.method));
  if (auto served = static_document(env, path)) return Answer::of_raw(std::move(*served));
  if (path == "/") return Answer::of_raw(text_response(200, paths_json(), "application/json"));
  if (path.starts_with("/openapi/")) {
    OpenApiRequest request{path,           context.query.get("hash"),
                           context.accept, context.accept_encoding,
                           if_none_match,  context.now};
    auto served = env.openapi->handle(request);
    if (served) return Answer::of_raw(std::move(*served));
  }
  if (is_api_path(env, path)) return no_such_path();
  return Answer::of_raw(page_not_found());
}

}  // namespace tiphys::apiserver
