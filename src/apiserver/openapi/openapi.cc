#include "apiserver/openapi/openapi.h"

#include <algorithm>
#include <vector>

#include "apiserver/openapi/schema_writer.h"
#include "base/strings.h"
#include "schema/resource.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kRoot = "/openapi/v3";

std::string group_path(const schema::Resource& resource) {
  return resource.group.empty()
             ? "api/" + std::string(resource.version)
             : "apis/" + std::string(resource.group) + "/" + std::string(resource.version);
}

std::vector<std::string> served_paths() {
  std::vector<std::string> paths;
  for (const schema::Resource& resource : schema::all_resources()) {
    if (!resource.served_by_default) continue;
    std::string path = group_path(resource);
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  return paths;
}

std::string kind_json(const GroupVersionKind& gvk) {
  return R"({"group":")" + std::string(gvk.group) + R"(","kind":")" + std::string(gvk.kind) +
         R"(","version":")" + std::string(gvk.version) + "\"}";
}

std::string operation_json(std::string_view action, const schema::Resource& resource,
                           const schema::Message& answer) {
  return R"({"x-kubernetes-action":")" + std::string(action) +
         R"(","x-kubernetes-group-version-kind":)" + kind_json(resource.type->gvk) +
         R"(,"responses":{"200":{"description":"OK","content":{"application/json":{"schema":{)"
         R"("$ref":"#/components/schemas/)" +
         openapi_name(answer) + R"("}}}}}})";
}

// What kubectl looks for before it relies on validation by the server.
constexpr std::string_view kWriteParameters =
    R"(,"parameters":[{"name":"dryRun","in":"query","schema":{"type":"string"}},)"
    R"({"name":"fieldManager","in":"query","schema":{"type":"string"}},)"
    R"({"name":"fieldValidation","in":"query","schema":{"type":"string"}})";
constexpr std::string_view kForceParameter =
    R"(,{"name":"force","in":"query","schema":{"type":"boolean"}})";

std::string write_operation_json(std::string_view action, const schema::Resource& resource) {
  std::string text = operation_json(action, resource, *resource.message);
  text.pop_back();
  text += kWriteParameters;
  if (action == "patch") text += kForceParameter;
  return text + "]}";
}

std::string body_operation_json(std::string_view action, const schema::Resource& resource) {
  std::string text = write_operation_json(action, resource);
  text.pop_back();
  return text + R"(,"requestBody":{"content":{"*/*":{"schema":{"$ref":"#/components/schemas/)" +
         openapi_name(*resource.message) + R"("}}}}})";
}

// The path items of one resource: its collection and its objects.
std::string path_items(const schema::Resource& resource) {
  std::string base = "/" + group_path(resource);
  if (resource.namespaced) base += "/namespaces/{namespace}";
  base += "/" + std::string(resource.resource);
  std::string collection;
  auto add = [](std::string& item, std::string_view method, std::string operation) {
    if (!item.empty()) item += ',';
    item += "\"" + std::string(method) + "\":" + operation;
  };
  if (resource.has_verb("list") && resource.list_message) {
    add(collection, "get", operation_json("list", resource, *resource.list_message));
  }
  if (resource.has_verb("create")) add(collection, "post", body_operation_json("post", resource));
  std::string object;
  if (resource.has_verb("get"))
    add(object, "get", operation_json("get", resource, *resource.message));
  if (resource.has_verb("update")) add(object, "put", body_operation_json("put", resource));
  if (resource.has_verb("patch")) {
    add(object, "patch", write_operation_json("patch", resource));
  }
  std::string text = "\"" + base + "\":{" + collection + "}";
  if (!object.empty()) text += ",\"" + base + "/{name}\":{" + object + "}";
  return text;
}

std::string document(std::string_view path) {
  std::string paths;
  SchemaWriter schemas;
  for (const schema::Resource& resource : schema::all_resources()) {
    if (!resource.served_by_default || group_path(resource) != path) continue;
    if (!paths.empty()) paths += ',';
    paths += path_items(resource);
    schemas.add(*resource.message);
    if (resource.list_message) schemas.add(*resource.list_message);
  }
  return R"({"openapi":"3.0.0","info":{"title":"Kubernetes","version":"v1.35.2"},"paths":{)" +
         paths + R"(},"components":{"schemas":)" + schemas.json() + "}}";
}

std::string hash_of(std::string_view text) {
  char buffer[32];
  snprintf(buffer, sizeof buffer, "%016llX", static_cast<unsigned long long>(fnv64a(text)));
  return buffer;
}

std::string index_document() {
  std::string text = R"({"paths":{)";
  bool first = true;
  for (const std::string& path : served_paths()) {
    if (!first) text += ',';
    first = false;
    text += "\"" + path + R"(":{"serverRelativeURL":"/openapi/v3/)" + path +
            "?hash=" + hash_of("v1.35.2/" + path) + "\"}";
  }
  return text + "}}";
}

}  // namespace

std::optional<net::Response> handle_openapi(std::string_view path, std::string_view if_none_match) {
  if (!path.starts_with(kRoot)) return std::nullopt;
  std::string_view rest = path.substr(kRoot.size());
  std::string text;
  if (rest.empty() || rest == "/") {
    text = index_document();
  } else {
    rest.remove_prefix(1);
    std::vector<std::string> served = served_paths();
    if (std::find(served.begin(), served.end(), rest) == served.end()) return std::nullopt;
    text = document(rest);
  }
  net::Response response;
  std::string etag = "\"" + hash_of(text) + "\"";
  response.headers.set("content-type", "application/json");
  response.headers.set("etag", etag);
  if (if_none_match == etag) {
    response.status = 304;
    return response;
  }
  response.body = std::make_shared<const std::string>(std::move(text));
  return response;
}

}  // namespace tiphys::apiserver
