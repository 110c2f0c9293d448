#include "apiserver/openapi/operations.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>

#include "base/strings.h"
#include "schema/description.h"

namespace tiphys::apiserver {
namespace {

using schema::Message;
using schema::Resource;
using schema::Subresource;

constexpr std::string_view kMeta = "k8s.io.apimachinery.pkg.apis.meta.v1.";

struct ParameterRow {
  std::string_view name;
  std::string_view type;
  std::string_view verbs;  // which take it
  std::string_view description;
};

const ParameterRow kParameters[] = {
    {"allowWatchBookmarks", "boolean", "list watch watchlist",
     "Asks for BOOKMARK events, which tell how far the watch has come."},
    {"continue", "string", "list deletecollection watch watchlist",
     "The token of the previous part of a list that was read with a limit."},
    {"dryRun", "string", "post put patch delete deletecollection",
     "All: go through every stage, but store nothing."},
    {"fieldManager", "string", "post put patch",
     "The name of the actor that makes the change; needed for apply patches."},
    {"fieldSelector", "string", "list deletecollection watch watchlist",
     "Only objects with these fields."},
    {"fieldValidation", "string", "post put patch",
     "What to do about unknown and duplicate fields: Ignore, Warn (the default) or Strict."},
    {"force", "boolean", "patch", "For apply patches: take fields over from other managers."},
    {"gracePeriodSeconds", "integer", "delete deletecollection",
     "Seconds the object has to end; zero deletes at once."},
    {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean", "delete deletecollection",
     "Deletes an object that can't be read from the store. Dangerous."},
    {"labelSelector", "string", "list deletecollection watch watchlist",
     "Only objects with these labels."},
    {"limit", "integer", "list deletecollection watch watchlist",
     "At most this many objects; the answer has a continue token if there are more."},
    {"orphanDependents", "boolean", "delete deletecollection",
     "Deprecated: use propagationPolicy."},
    {"propagationPolicy", "string", "delete deletecollection",
     "What happens to dependents: Orphan, Background or Foreground."},
    {"resourceVersion", "string", "list deletecollection watch watchlist",
     "Which state of the cluster may answer."},
    {"resourceVersionMatch", "string", "list deletecollection watch watchlist",
     "How resourceVersion is meant: NotOlderThan or Exact."},
    {"sendInitialEvents", "boolean", "list deletecollection watch watchlist",
     "Starts a watch with the objects there are, followed by a bookmark."},
    {"timeoutSeconds", "integer", "list deletecollection watch watchlist",
     "Ends the call after this time."},
    {"watch", "boolean", "list watch watchlist", "Streams changes instead of a list."},
};

const Parameter kPretty{"pretty", "query", "string",
                        "true: the answer is indented. Browsers and curl get this by default."};

bool has_word(std::string_view words, std::string_view word) {
  std::vector<std::string_view> all = split(words, ' ');
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::vector<Parameter> parameters_of(std::string_view action) {
  std::vector<Parameter> parameters;
  for (const ParameterRow& row : kParameters) {
    if (!has_word(row.verbs, action)) continue;
    parameters.push_back({std::string(row.name), "query", row.type, std::string(row.description)});
  }
  return parameters;
}

// The fields of an options kind, as the query has them.
std::vector<Parameter> option_parameters(const Message* options) {
  std::vector<Parameter> parameters;
  if (!options) return parameters;
  for (const schema::Field& field : options->fields) {
    if (field.message || field.json_hidden) continue;
    std::string_view type =
        field.kind == schema::FieldKind::kBool ? "boolean"
        : field.kind == schema::FieldKind::kInt32 || field.kind == schema::FieldKind::kInt64
            ? "integer"
            : "string";
    parameters.push_back(
        {std::string(field.name), "query", type, schema::describe(*options, field)});
  }
  return parameters;
}

std::string capital(std::string_view text) {
  std::string word(text);
  if (!word.empty()) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
  return word;
}

// "rbac.authorization.k8s.io" -> "RbacAuthorization"
std::string group_name(std::string_view group) {
  if (group.empty()) return "Core";
  if (group.ends_with(".k8s.io")) group.remove_suffix(7);
  std::string name;
  for (std::string_view part : split(group, '.')) name += capital(part);
  return name;
}

std::string tag_of(std::string_view group, std::string_view version) {
  std::string tag = group_name(group);
  tag[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(tag[0])));
  return version.empty() ? tag : tag + "_" + std::string(version);
}

const Message* meta_message(std::string_view name) {
  return schema::find_message(std::string(kMeta) + std::string(name));
}

// What an operation's verb is called and what it takes and gives.
struct VerbRow {
  std::string_view verb;
  std::string_view method;
  std::string_view action;
  std::string_view id;     // begins the operation's id
  std::string_view words;  // begins the description
};
const VerbRow kObjectVerbs[] = {
    {"get", "get", "get", "read", "read the specified "},
    {"update", "put", "put", "replace", "replace the specified "},
    {"create", "post", "post", "create", "create "},
    {"delete", "delete", "delete", "delete", "delete the specified "},
    {"patch", "patch", "patch", "patch", "partially update the specified "},
};
const VerbRow kConnectVerbs[] = {
    {"get", "get", "connect", "Get", "connect GET requests to "},
    {"update", "put", "connect", "Put", "connect PUT requests to "},
    {"create", "post", "connect", "Post", "connect POST requests to "},
    {"delete", "delete", "connect", "Delete", "connect DELETE requests to "},
    {"patch", "patch", "connect", "Patch", "connect PATCH requests to "},
};

class ResourceItems {
 public:
  explicit ResourceItems(const Resource& resource)
      : resource_(resource),
        group_(group_name(resource.group) + capital(resource.version)),
        tag_(tag_of(resource.group, resource.version)),
        scope_(resource.namespaced ? "Namespaced" : "") {}

  std::vector<PathItem> take() {
    add_collection();
    add_object();
    for (const Subresource& sub : resource_.subresources) add_subresource(sub);
    add_all_namespaces();
    add_watches();
    return std::move(items_);
  }

 private:
  std::string root(std::string_view middle, bool of_namespace) const {
    std::string path = "/" + group_version_path(resource_) + "/" + std::string(middle);
    if (of_namespace && resource_.namespaced) path += "namespaces/{namespace}/";
    return path + std::string(resource_.resource);
  }

  PathItem& add(std::string path) {
    PathItem item;
    item.path = std::move(path);
    if (item.path.find("{name}") != std::string::npos) {
      item.parameters.push_back(
          {"name", "path", "string", "name of the " + std::string(resource_.kind)});
    }
    if (item.path.find("{namespace}") != std::string::npos) {
      item.parameters.push_back({"namespace", "path", "string", "namespace of the object"});
    }
    if (item.path.find("{path}") != std::string::npos) {
      item.parameters.push_back({"path", "path", "string", "path to the resource"});
    }
    items_.push_back(std::move(item));
    return items_.back();
  }

  Operation make(std::string_view method, std::string_view action, std::string id,
                 std::string description) const {
    Operation operation;
    operation.method = method;
    operation.id = std::move(id);
    operation.description = std::move(description);
    operation.action = action;
    operation.tag = tag_;
    operation.kind = &resource_.type->gvk;
    operation.parameters = parameters_of(action);
    return operation;
  }

  std::string id(std::string_view verb, std::string_view before_kind = "") const {
    return std::string(verb) + group_ + std::string(before_kind) + scope_ +
           std::string(resource_.kind);
  }

  // What the body and the answer of an action on objects of `type` are.
  static void fill(Operation& operation, const Message* type) {
    std::string_view action = operation.action;
    operation.answer = action == "delete" ? meta_message("Status") : type;
    if (action == "post" || action == "put") operation.body = type;
    if (action == "patch") operation.body = meta_message("Patch");
    if (action == "delete") operation.body = meta_message("DeleteOptions");
    operation.creates = action == "post" || action == "put" || action == "patch";
    operation.accepts = action == "post" || action == "delete";
  }

  Operation list(std::string name, std::string_view words = "") const {
    Operation operation = make("get", "list", std::move(name),
                               "list or watch objects of kind " + std::string(resource_.kind));
    operation.answer = resource_.list_message;
    operation.streams = resource_.has_verb("watch");
    return operation;
  }

  void add_collection() {
    PathItem& item = add(root("", true));
    if (resource_.has_verb("list")) item.operations.push_back(list(id("list")));
    if (resource_.has_verb("create")) {
      Operation post = make("post", "post", id("create"), "create " + std::string(resource_.kind));
      fill(post, resource_.message);
      item.operations.push_back(std::move(post));
    }
    if (resource_.has_verb("deletecollection")) {
      Operation all = make("delete", "deletecollection", id("delete", "Collection"),
                           "delete collection of " + std::string(resource_.kind));
      all.body = meta_message("DeleteOptions");
      all.answer = meta_message("Status");
      item.operations.push_back(std::move(all));
    }
    drop_if_empty();
  }

  void add_object() {
    PathItem& item = add(root("", true) + "/{name}");
    for (const VerbRow& row : kObjectVerbs) {
      if (row.verb == "create" || !resource_.has_verb(row.verb)) continue;
      Operation operation = make(row.method, row.action, id(row.id),
                                 std::string(row.words) + std::string(resource_.kind));
      fill(operation, resource_.message);
      item.operations.push_back(std::move(operation));
    }
    drop_if_empty();
  }

  void add_subresource(const Subresource& sub) {
    std::string path = root("", true) + "/{name}/" + std::string(sub.name);
    const schema::Kind* kind = schema::find_kind(sub.gvk.group, sub.gvk.version, sub.gvk.kind);
    bool connects = kind && kind->gvk.kind.ends_with("Options");
    add_sub_item(path, sub, kind ? kind->message : nullptr, connects, "");
    if (connects && sub.name == "proxy") {
      add_sub_item(path + "/{path}", sub, kind->message, connects, "WithPath");
    }
  }

  void add_sub_item(std::string path, const Subresource& sub, const Message* type, bool connects,
                    std::string_view suffix) {
    PathItem& item = add(std::move(path));
    for (const VerbRow& row : connects ? kConnectVerbs : kObjectVerbs) {
      if (std::find(sub.verbs.begin(), sub.verbs.end(), row.verb) == sub.verbs.end()) continue;
      std::string name =
          (connects ? "connect" + group_ + std::string(row.id) : std::string(row.id) + group_) +
          scope_ + std::string(resource_.kind) + capital(sub.name) + std::string(suffix);
      Operation operation = make(
          row.method, row.action, std::move(name),
          std::string(row.words) + std::string(sub.name) + " of " + std::string(resource_.kind));
      operation.kind = &sub.gvk;
      operation.connects = connects;
      if (connects) {
        operation.parameters = option_parameters(type);
      } else if (sub.name == "log") {
        operation.parameters =
            option_parameters(schema::find_message("k8s.io.api.core.v1.PodLogOptions"));
      } else {
        fill(operation, type);
      }
      item.operations.push_back(std::move(operation));
    }
    drop_if_empty();
  }

  void add_all_namespaces() {
    if (!resource_.namespaced || !resource_.has_verb("list")) return;
    PathItem& item = add(root("", false));
    item.operations.push_back(
        list("list" + group_ + std::string(resource_.kind) + "ForAllNamespaces"));
  }

  void add_watches() {
    if (!resource_.has_verb("watch")) return;
    add_watch(root("watch/", true), "watchlist", id("watch") + "List");
    add_watch(root("watch/", true) + "/{name}", "watch", id("watch"));
    if (!resource_.namespaced) return;
    add_watch(root("watch/", false), "watchlist",
              "watch" + group_ + std::string(resource_.kind) + "ListForAllNamespaces");
  }

  void add_watch(std::string path, std::string_view action, std::string name) {
    PathItem& item = add(std::move(path));
    Operation watch = make("get", action, std::move(name),
                           "watch changes of " + std::string(resource_.kind) +
                               ". deprecated: use the 'watch' parameter with a list operation.");
    watch.answer = meta_message("WatchEvent");
    watch.streams = true;
    item.operations.push_back(std::move(watch));
  }

  // Paths with objects can be asked for indented answers; those without operations aren't there.
  void drop_if_empty() {
    if (items_.back().operations.empty()) return items_.pop_back();
    if (!items_.back().operations.front().connects) items_.back().parameters.push_back(kPretty);
  }

  const Resource& resource_;
  std::string group_;  // "CoreV1"
  std::string tag_;
  std::string scope_;
  std::vector<PathItem> items_;
};

PathItem document_item(std::string path, std::string id, std::string tag, std::string description,
                       const Message* answer) {
  Operation operation;
  operation.method = "get";
  operation.id = std::move(id);
  operation.description = std::move(description);
  operation.tag = std::move(tag);
  operation.answer = answer;
  PathItem item;
  item.path = std::move(path);
  item.operations.push_back(std::move(operation));
  return item;
}

}  // namespace

std::string group_version_path(const Resource& resource) {
  return resource.group.empty()
             ? "api/" + std::string(resource.version)
             : "apis/" + std::string(resource.group) + "/" + std::string(resource.version);
}

std::vector<PathItem> group_version_items(std::string_view path) {
  std::vector<PathItem> items;
  for (const Resource& resource : schema::all_resources()) {
    if (!resource.served_by_default || group_version_path(resource) != path) continue;
    if (items.empty()) {
      items.push_back(document_item(
          "/" + std::string(path) + "/",
          "get" + group_name(resource.group) + capital(resource.version) + "APIResources",
          tag_of(resource.group, resource.version), "get available resources",
          meta_message("APIResourceList")));
    }
    std::vector<PathItem> more = ResourceItems(resource).take();
    std::move(more.begin(), more.end(), std::back_inserter(items));
  }
  return items;
}

std::vector<PathItem> document_items(std::string_view path) {
  std::string at = "/" + std::string(path) + "/";
  if (path == "api") {
    return {document_item(at, "getCoreAPIVersions", "core", "get available API versions",
                          meta_message("APIVersions"))};
  }
  if (path == "apis") {
    return {document_item(at, "getAPIVersions", "apis", "get available API versions",
                          meta_message("APIGroupList"))};
  }
  if (path == "version") {
    return {
        document_item(at, "getCodeVersion", "version", "get the version of the server", nullptr)};
  }
  std::string_view group = path.substr(std::min(path.size(), std::string_view("apis/").size()));
  return {document_item(at, "get" + group_name(group) + "APIGroup", tag_of(group, ""),
                        "get information of a group", meta_message("APIGroup"))};
}

}  // namespace tiphys::apiserver
