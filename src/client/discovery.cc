#include "client/discovery.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::client {

namespace {

constexpr std::string_view kAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json";
constexpr size_t kMaxResources = 20'000;
constexpr size_t kMaxGroupVersions = 2'000;

std::string text(const Node& node, std::string_view member) {
  return std::string(node.find(member).as_text());
}

std::vector<std::string> texts(const Value& list) {
  std::vector<std::string> result;
  for (const Value& item : list.as_node().items()) result.emplace_back(item.as_text());
  return result;
}

std::string group_version(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

bool is_aggregated(std::string_view json) {
  return json.find("\"APIGroupDiscoveryList\"") != std::string_view::npos;
}

// It becomes part of paths.
bool is_plain(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

// The preferred version of a resource, or the first one that has it, stands for it.
void add(DiscoveredResource resource, bool preferred, Discovered& found) {
  bool usable = !resource.resource.empty() && !resource.version.empty() &&
                is_plain(resource.group) && is_plain(resource.version) &&
                is_plain(resource.resource);
  if (!usable || found.resources.size() >= kMaxResources) return;
  auto same = std::ranges::find_if(found.preferred, [&](size_t at) {
    const DiscoveredResource& other = found.resources[at];
    return other.group == resource.group && other.resource == resource.resource;
  });
  size_t position = found.resources.size();
  found.resources.push_back(std::move(resource));
  if (same == found.preferred.end()) {
    found.preferred.push_back(position);
  } else if (preferred) {
    *same = position;
  }
}

void read_aggregated_version(const std::string& group, const Node& version, bool preferred,
                             Discovered& found) {
  std::string name = text(version, "version");
  for (const Value& item : version.find("resources").as_node().items()) {
    const Node& node = item.as_node();
    DiscoveredResource resource;
    resource.group = group;
    resource.version = name;
    resource.resource = text(node, "resource");
    resource.kind = text(node.find("responseKind").as_node(), "kind");
    resource.namespaced = node.find("scope").as_text() == "Namespaced";
    resource.verbs = texts(node.find("verbs"));
    for (const Value& sub : node.find("subresources").as_node().items()) {
      resource.subresources.push_back(text(sub.as_node(), "subresource"));
    }
    // What has no kind is only the parent of its subresources.
    if (!resource.kind.empty()) add(std::move(resource), preferred, found);
  }
}

}  // namespace

bool DiscoveredResource::has_verb(std::string_view verb) const {
  return std::ranges::find(verbs, verb) != verbs.end();
}

bool DiscoveredResource::has_subresource(std::string_view name) const {
  return std::ranges::find(subresources, name) != subresources.end();
}

std::string Discovered::failure() const {
  if (failed.empty()) return {};
  std::vector<std::string> parts;
  for (const auto& [name, why] : failed) parts.push_back(name + ": " + why);
  return "unable to retrieve the complete list of server APIs: " + join(parts, ", ");
}

Result<void> read_aggregated(std::string_view json, Discovered& found) {
  Arena arena;
  TIPHYS_TRY(Value, root, codec::decode_json_any(json, arena));
  if (root.as_node().find("kind").as_text() != "APIGroupDiscoveryList") {
    return ApiStatus::internal("the server answered with no APIGroupDiscoveryList");
  }
  for (const Value& item : root.as_node().find("items").as_node().items()) {
    std::string group = text(item.as_node().find("metadata").as_node(), "name");
    bool preferred = true;  // the first one that is not stale
    for (const Value& entry : item.as_node().find("versions").as_node().items()) {
      const Node& version = entry.as_node();
      if (version.find("freshness").as_text() == "Stale") {
        std::string name = group_version(group, version.find("version").as_text());
        found.failed.emplace(name, "stale GroupVersion discovery: " + name);
        continue;
      }
      read_aggregated_version(group, version, preferred, found);
      preferred = false;
    }
  }
  return {};
}

Result<void> read_groups(std::string_view json, std::vector<GroupVersionToAsk>& ask,
                         Discovered& found) {
  Arena arena;
  TIPHYS_TRY(Value, document, codec::decode_json_any(json, arena));
  const Node& root = document.as_node();
  if (root.find("kind").as_text() == "APIVersions") {
    for (std::string& version : texts(root.find("versions"))) ask.push_back({"", version, true});
    return {};
  }
  if (root.find("kind").as_text() != "APIGroupList") {
    return ApiStatus::internal("the server answered with no discovery document");
  }
  for (const Value& item : root.find("groups").as_node().items()) {
    const Node& group = item.as_node();
    std::string preferred = text(group.find("preferredVersion").as_node(), "version");
    for (const Value& version : group.find("versions").as_node().items()) {
      std::string whole = text(version.as_node(), "groupVersion");
      if (std::ranges::count(whole, '/') > 1) {
        found.malformed.push_back("unexpected GroupVersion string: " + whole);
        continue;
      }
      std::string name = text(version.as_node(), "version");
      if (ask.size() >= kMaxGroupVersions) return {};
      ask.push_back({text(group, "name"), name, name == preferred});
    }
  }
  return {};
}

Result<void> read_resources(std::string_view json, const GroupVersionToAsk& of, Discovered& found) {
  Arena arena;
  TIPHYS_TRY(Value, root, codec::decode_json_any(json, arena));
  if (root.as_node().find("kind").as_text() != "APIResourceList") {
    return ApiStatus::internal("the server answered with no APIResourceList");
  }
  const Node& items = root.as_node().find("resources").as_node();
  std::map<std::string, std::vector<std::string>, std::less<>> subresources;
  for (const Value& item : items.items()) {
    std::string_view name = item.as_node().find("name").as_text();
    size_t slash = name.find('/');
    if (slash == std::string_view::npos) continue;
    subresources[std::string(name.substr(0, slash))].emplace_back(name.substr(slash + 1));
  }
  for (const Value& item : items.items()) {
    const Node& node = item.as_node();
    DiscoveredResource resource;
    resource.group = of.group;
    resource.version = of.version;
    resource.resource = text(node, "name");
    if (resource.resource.find('/') != std::string::npos) continue;
    resource.kind = text(node, "kind");
    resource.namespaced = node.find("namespaced").as_bool();
    resource.verbs = texts(node.find("verbs"));
    resource.subresources = subresources[resource.resource];
    add(std::move(resource), of.preferred, found);
  }
  return {};
}

// Servers of aggregated APIs alone have no /api.
Task<Result<std::string>> Discovery::document(std::string path) {
  Result<std::string> answer = co_await client_.get_json(path, "", std::string(kAccept));
  bool none = !answer && answer.error().is_not_found() && path == "/api";
  if (none) co_return std::string(R"({"kind":"APIVersions","versions":[]})");
  co_return answer;
}

Task<Result<void>> Discovery::read_all(std::string core, std::string groups, Discovered* found) {
  std::vector<GroupVersionToAsk> all;
  for (const std::string* json : {&core, &groups}) {
    Result<void> read =
        is_aggregated(*json) ? read_aggregated(*json, *found) : read_groups(*json, all, *found);
    if (!read) co_return read;
  }
  for (size_t i = 0; i < all.size(); ++i) {
    std::string path =
        all[i].group.empty() ? "/api/" : "/apis/" + percent_encode(all[i].group) + "/";
    Result<std::string> list = co_await client_.get_json(path + percent_encode(all[i].version));
    Result<void> read = list ? read_resources(*list, all[i], *found) : Result<void>(list.error());
    if (!read) {
      found->failed.emplace(group_version(all[i].group, all[i].version), read.error().message());
    }
  }
  co_return Result<void>();
}

Task<Result<std::shared_ptr<const Discovered>>> Discovery::ask() {
  Result<std::string> core = co_await document("/api");
  if (!core) co_return core.error();
  Result<std::string> groups = co_await document("/apis");
  if (!groups) co_return groups.error();
  bool whole = is_aggregated(*core) && is_aggregated(*groups);
  if (whole && last_ && *core == core_ && *groups == groups_) co_return last_;
  auto found = std::make_shared<Discovered>();
  Result<void> read = co_await read_all(*core, *groups, found.get());
  if (!read) co_return read.error();
  core_ = std::move(*core);
  groups_ = std::move(*groups);
  last_ = std::move(found);
  co_return last_;
}

}  // namespace tiphys::client
