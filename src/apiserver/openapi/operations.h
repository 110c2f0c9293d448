// Operations: what can be done at which path, as the OpenAPI documents tell it: made of the
// resource tables, in no version's form yet. Pure. Names follow upstream's: k8s.io/kubernetes
// api/openapi-spec.
#pragma once
#include <string>
#include <vector>

#include "schema/resource.h"

namespace tiphys::apiserver {

struct Parameter {
  std::string name;
  std::string_view in;    // "query" or "path"
  std::string_view type;  // "string", "integer", "boolean"
  std::string description;
};

struct Operation {
  std::string_view method;  // "get"
  std::string id;           // "listCoreV1NamespacedPod"
  std::string description;
  std::string_view action;  // "list"; empty for discovery
  std::string tag;          // "core_v1"
  const GroupVersionKind* kind = nullptr;
  std::vector<Parameter> parameters;
  const schema::Message* body = nullptr;
  const schema::Message* answer = nullptr;  // null: text
  bool streams = false;                     // may answer as a watch
  bool creates = false;                     // may answer 201 and 202
  bool accepts = false;                     // may answer 202
  bool connects = false;                    // any media type
};

struct PathItem {
  std::string path;
  std::vector<Parameter> parameters;  // of all operations
  std::vector<Operation> operations;
};

// "api/v1" or "apis/apps/v1"
std::string group_version_path(const schema::Resource& resource);
// Of one version of a group: its resources, their subresources and the discovery document.
std::vector<PathItem> group_version_items(std::string_view group_version_path);
// Of the documents above the versions: "api", "apis", "apis/GROUP", "version".
std::vector<PathItem> document_items(std::string_view path);

}  // namespace tiphys::apiserver
