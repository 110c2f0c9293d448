#include "apiserver/pipeline/non_resource.h"

#include <vector>

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

net::Response text_response(int status, std::string text, std::string_view type) {
  net::Response response;
  response.status = status;
  response.headers.set("content-type", type);
  response.headers.set("x-content-type-options", "nosniff");
  response.body = std::make_shared<const std::string>(std::move(text));
  return response;
}

std::string version_json(const std::string& git_version) {
  std::string text =
      "{\n  \"major\": \"1\",\n  \"minor\": \"35\",\n  \"emulationMajor\": \"1\",\n"
      "  \"emulationMinor\": \"35\",\n  \"minCompatibilityMajor\": \"1\",\n"
      "  \"minCompatibilityMinor\": \"34\",\n  \"gitVersion\": \"" +
      git_version +
      "\",\n  \"gitCommit\": \"\",\n  \"gitTreeState\": \"clean\",\n"
      "  \"buildDate\": \"2026-11-23T00:00:00Z\",\n  \"goVersion\": \"none (C++23)\",\n"
      "  \"compiler\": \"clang\",\n  \"platform\": \"linux/amd64\"\n}";
  return text;
}

const std::vector<std::string_view>& checks_of(std::string_view path) {
  static const std::vector<std::string_view> kLive = {"ping", "log", "etcd"};
  static const std::vector<std::string_view> kReady = {
      "ping",
      "log",
      "etcd",
      "informer-sync",
      "poststarthook/start-apiserver-admission-initializer",
      "poststarthook/rbac/bootstrap-roles",
      "poststarthook/bootstrap-controller",
      "poststarthook/scheduling/bootstrap-system-priority-classes",
      "shutdown"};
  return path.starts_with("/readyz") ? kReady : kLive;
}

bool passes(const NonResourceEnv& env, std::string_view path, std::string_view check) {
  if (check == "ping" || check == "log") return true;
  return env.ready || !path.starts_with("/readyz");
}

std::optional<net::Response> health(const NonResourceEnv& env, const RequestContext& context) {
  std::string_view path = context.info.path;
  for (std::string_view root : {"/livez", "/readyz", "/healthz"}) {
    auto rest = cut_prefix(path, root);
    if (!rest) continue;
    bool good = true;
    std::string report;
    for (std::string_view check : checks_of(path)) {
      bool pass = passes(env, path, check);
      if (*rest == "/" + std::string(check))
        return text_response(pass ? 200 : 500, pass ? "ok" : "not ok", "text/plain; charset=utf-8");
      bool excluded = false;
      for (std::string_view name : context.query.all("exclude")) excluded |= name == check;
      good &= pass || excluded;
      report += (pass ? "[+]" : "[-]") + std::string(check) +
                (excluded ? " excluded: ok\n"
                 : pass   ? " ok\n"
                          : " failed: reason withheld\n");
    }
    if (!rest->empty() && *rest != "/") continue;
    std::string_view name = root.substr(1);
    if (!good)
      return text_response(500, report + std::string(name) + " check failed\n",
                           "text/plain; charset=utf-8");
    if (!context.query.has("verbose")) return text_response(200, "ok", "text/plain; charset=utf-8");
    return text_response(200, report + std::string(name) + " check passed\n",
                         "text/plain; charset=utf-8");
  }
  return std::nullopt;
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
         "    \"/livez\",\n    \"/metrics\",\n    \"/openapi/v2\",\n    \"/openapi/v3\",\n"
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

}  // namespace

net::Response page_not_found() {
  return text_response(404, "404 page not found\n", "text/plain; charset=utf-8");
}

Result<Answer> handle_non_resource(const NonResourceEnv& env, RequestContext& context,
                                   std::string_view if_none_match) {
  std::string path = context.info.path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  ObjectPtr document = env.discovery->find(path);
  if (document && context.method != "GET") return wrong_method();
  if (document) {
    ObjectPtr all = env.discovery->find_aggregated(path);
    auto type = all ? negotiate_discovery(context.accept) : std::nullopt;
    if (type) return aggregated(env, *type, path, *all, if_none_match);
    return Answer::of(document);
  }
  if (auto checked = health(env, context)) return Answer::of_raw(std::move(*checked));
  if (path == "/version") {
    if (context.method != "GET") return wrong_method();
    return Answer::of_raw(text_response(200, version_json(env.git_version), "application/json"));
  }
  if (path == "/metrics") {
    return Answer::of_raw(
        text_response(200, env.metrics->text(), "text/plain; version=0.0.4; charset=utf-8"));
  }
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
