#include "controllers/resource_mapper.h"

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::controllers {

namespace {

constexpr size_t kMaxVersions = 16;  // of a group that are looked at

std::vector<MappedResource> known_resources(std::string_view group, std::string_view kind) {
  std::vector<MappedResource> found;
  for (const schema::Resource& one : schema::all_resources()) {
    if (one.group != group || one.kind != kind || !one.served_by_default) continue;
    found.push_back({std::string(one.group), std::string(one.version), std::string(one.resource),
                     one.namespaced, one.find_subresource("scale") != nullptr});
  }
  return found;
}

Result<Value> read_json(std::string_view text, Arena& arena) {
  return codec::decode_json_any(text, arena);
}

// The versions of an APIGroup, the preferred one first.
Result<std::vector<std::string>> versions_of(std::string_view group_json) {
  Arena arena;
  TIPHYS_TRY(Value, group, read_json(group_json, arena));
  const Node& root = group.as_node();
  std::vector<std::string> versions;
  auto add = [&versions](const Value& version) {
    std::string name(version.as_node().find("version").as_text());
    bool fresh = std::ranges::find(versions, name) == versions.end();
    if (!name.empty() && fresh && versions.size() < kMaxVersions) versions.push_back(name);
  };
  add(root.find("preferredVersion"));
  for (const Value& version : root.find("versions").as_node().items()) add(version);
  return versions;
}

// The resource of a kind in an APIResourceList; none if there is none.
Result<std::optional<MappedResource>> resource_in(std::string_view list_json,
                                                  std::string_view kind) {
  Arena arena;
  TIPHYS_TRY(Value, list, read_json(list_json, arena));
  const Node& all = list.as_node().find("resources").as_node();
  for (const Value& item : all.items()) {
    const Node& resource = item.as_node();
    std::string_view name = resource.find("name").as_text();
    if (resource.find("kind").as_text() != kind || name.find('/') != name.npos) continue;
    MappedResource found;
    found.resource = name;
    found.namespaced = resource.find("namespaced").as_bool();
    found.has_scale = std::ranges::any_of(all.items(), [&found](const Value& one) {
      return one.as_node().find("name").as_text() == found.resource + "/scale";
    });
    return std::optional(std::move(found));
  }
  return std::optional<MappedResource>();
}

}  // namespace

schema::Resource MappedResource::view() const {
  schema::Resource made;
  made.group = group;
  made.version = version;
  made.resource = resource;
  made.namespaced = namespaced;
  return made;
}

Task<Result<std::vector<MappedResource>>> map_kind(client::Client& client, std::string group,
                                                   std::string kind) {
  std::vector<MappedResource> found = known_resources(group, kind);
  ApiStatus unknown = ApiStatus::bad_request("no matches for kind " + go_quote(kind) +
                                             " in group " + go_quote(group));
  if (!found.empty()) co_return found;
  if (group.empty()) co_return unknown;
  std::string path = "/apis/" + percent_encode(group);
  Result<std::string> answer = co_await client.get_json(path);
  if (!answer && answer.error().is_not_found()) co_return unknown;
  if (!answer) co_return answer.error();
  auto versions = versions_of(*answer);
  if (!versions) co_return versions.error();
  std::optional<ApiStatus> failure;  // of a version: the others count all the same
  for (const std::string& version : *versions) {
    Result<std::string> list = co_await client.get_json(path + "/" + percent_encode(version));
    if (!list) failure = list.error();
    if (!list) continue;
    auto resource = resource_in(*list, kind);
    if (!resource) co_return resource.error();
    if (!*resource) continue;
    (*resource)->group = group;
    (*resource)->version = version;
    found.push_back(std::move(**resource));
  }
  if (found.empty() && failure) co_return *failure;
  if (found.empty()) co_return unknown;
  co_return found;
}

}  // namespace tiphys::controllers
