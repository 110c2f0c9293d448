#include "apiserver/openapi/documents.h"

#include <algorithm>
#include <set>

#include "apiserver/openapi/path_writer.h"

namespace tiphys::apiserver {
namespace {

bool is_group_version(std::string_view path) {
  return std::count(path.begin(), path.end(), '/') == (path.starts_with("apis/") ? 2 : 1);
}

std::vector<PathItem> items_of(std::string_view path) {
  return is_group_version(path) ? group_version_items(path) : document_items(path);
}

void write_info(std::string_view server_version, JsonText& out) {
  out.key("info").open('{').member("title", "Kubernetes");
  out.member("version", server_version).close('}');
}

}  // namespace

std::vector<std::string> openapi_v3_paths() {
  std::set<std::string> paths = {"api", "apis", "version"};
  for (const schema::Resource& resource : schema::all_resources()) {
    if (!resource.served_by_default) continue;
    paths.insert(group_version_path(resource));
    if (!resource.group.empty()) paths.insert("apis/" + std::string(resource.group));
  }
  return {paths.begin(), paths.end()};
}

std::string openapi_v2_document(std::string_view server_version) {
  SchemaWriter schemas(OpenApiVersion::kV2);
  PathWriter writer(OpenApiVersion::kV2, schemas);
  JsonText paths;
  paths.open('{');
  for (const std::string& path : openapi_v3_paths()) {
    for (const PathItem& item : items_of(path)) writer.write(item, paths);
  }
  paths.close('}');
  JsonText out;
  out.open('{').member("swagger", "2.0");
  write_info(server_version, out);
  out.key("paths").raw(paths.take());
  out.key("definitions").raw(schemas.json());
  out.key("parameters").raw(writer.shared_parameters());
  out.key("securityDefinitions")
      .raw(R"({"BearerToken":{"type":"apiKey","name":"authorization","in":"header",)"
           R"("description":"Bearer Token authentication"}})");
  out.key("security").raw(R"([{"BearerToken":[]}])");
  return out.close('}').take();
}

std::string openapi_v3_document(std::string_view path, std::string_view server_version) {
  SchemaWriter schemas(OpenApiVersion::kV3);
  PathWriter writer(OpenApiVersion::kV3, schemas);
  JsonText paths;
  paths.open('{');
  for (const PathItem& item : items_of(path)) writer.write(item, paths);
  paths.close('}');
  JsonText out;
  out.open('{').member("openapi", "3.0.0");
  write_info(server_version, out);
  out.key("paths").raw(paths.take());
  out.key("components").open('{').key("schemas").raw(schemas.json());
  out.key("securitySchemes")
      .raw(R"({"BearerToken":{"type":"apiKey","name":"authorization","in":"header",)"
           R"("description":"Bearer Token authentication"}})");
  return out.close('}').close('}').take();
}

}  // namespace tiphys::apiserver
