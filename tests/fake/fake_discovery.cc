#include "tests/fake/fake_discovery.h"

#include "schema/resource.h"

namespace tiphys::fake {

namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string resource_json(const schema::Resource& resource) {
  std::string verbs;
  for (std::string_view verb : resource.verbs) verbs += (verbs.empty() ? "" : ",") + quoted(verb);
  return "{\"resource\":" + quoted(resource.resource) +
         ",\"responseKind\":{\"kind\":" + quoted(resource.kind) +
         "},\"scope\":" + (resource.namespaced ? "\"Namespaced\"" : "\"Cluster\"") +
         ",\"verbs\":[" + verbs + "]}";
}

}  // namespace

std::string discovery_document(bool core) {
  std::string items;
  const schema::Resource* before = nullptr;
  for (const schema::Resource& resource : schema::all_resources()) {
    if (!resource.served_by_default || resource.group.empty() != core) continue;
    bool same_group = before && before->group == resource.group;
    bool same_version = same_group && before->version == resource.version;
    if (same_version) {
      items += ",";
    } else {
      if (before) items += "]}";
      if (before && !same_group) items += "]}";
      if (before) items += ",";
      if (!same_group) {
        items += "{\"metadata\":{\"name\":" + quoted(resource.group) + "},\"versions\":[";
      }
      items += "{\"version\":" + quoted(resource.version) + ",\"resources\":[";
    }
    items += resource_json(resource);
    before = &resource;
  }
  return "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[" + items + (before ? "]}]}" : "") + "]}";
}

}  // namespace tiphys::fake
