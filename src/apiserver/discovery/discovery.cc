#include "apiserver/discovery/discovery.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/apidiscovery_v2.h"
#include "kinds/meta_v1.h"
#include "schema/resource.h"

namespace tiphys::apiserver {
namespace {

struct Version {
  std::string_view name;
  std::vector<const schema::Resource*> resources;
};
struct Group {
  std::string_view name;
  std::vector<Version> versions;
};

std::vector<Group> served_groups() {
  std::vector<Group> groups;
  for (const schema::Resource& resource : schema::all_resources()) {
    if (!resource.served_by_default) continue;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.name == resource.group; });
    if (group == groups.end()) group = groups.insert(groups.end(), {resource.group, {}});
    auto version = std::find_if(group->versions.begin(), group->versions.end(),
                                [&](const Version& v) { return v.name == resource.version; });
    if (version == group->versions.end()) {
      version = group->versions.insert(group->versions.end(), {resource.version, {}});
    }
    version->resources.push_back(&resource);
  }
  return groups;
}

std::string group_version(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

void fill(ListEdit<std::string_view> list, std::span<const std::string_view> texts) {
  for (std::string_view text : texts) list.append(text);
}

void add_subresource(meta_v1::APIResourceEdit item, const schema::Resource& resource,
                     const schema::Subresource& sub) {
  item.set_name(std::string(resource.resource) + "/" + std::string(sub.name));
  item.set_namespaced(resource.namespaced);
  item.set_kind(sub.gvk.kind);
  if (sub.gvk.group != resource.group || sub.gvk.version != resource.version) {
    item.set_group(sub.gvk.group);
    item.set_version(sub.gvk.version);
  }
  fill(item.edit_verbs(), sub.verbs);
}

ObjectPtr resource_list(const Group& group, const Version& version) {
  Draft draft = meta_v1::APIResourceList::make();
  meta_v1::APIResourceListEdit list(draft);
  list.set_group_version(group_version(group.name, version.name));
  auto resources = list.edit_resources();
  for (const schema::Resource* resource : version.resources) {
    auto item = resources.append();
    item.set_name(resource->resource);
    item.set_singular_name(resource->singular);
    item.set_namespaced(resource->namespaced);
    item.set_kind(resource->kind);
    fill(item.edit_verbs(), resource->verbs);
    if (!resource->short_names.empty()) fill(item.edit_short_names(), resource->short_names);
    if (!resource->categories.empty()) fill(item.edit_categories(), resource->categories);
    if (!resource->storage_version_hash.empty()) {
      item.set_storage_version_hash(resource->storage_version_hash);
    }
    for (const schema::Subresource& sub : resource->subresources) {
      add_subresource(resources.append(), *resource, sub);
    }
  }
  return draft.freeze();
}

void fill_group(meta_v1::APIGroupEdit item, const Group& group) {
  item.set_name(group.name);
  for (const Version& version : group.versions) {
    auto entry = item.edit_versions().append();
    entry.set_group_version(group_version(group.name, version.name));
    entry.set_version(version.name);
  }
  auto preferred = item.edit_preferred_version();
  preferred.set_group_version(group_version(group.name, group.versions.front().name));
  preferred.set_version(group.versions.front().name);
}

void fill_kind(meta_v1::GroupVersionKindEdit edit, const GroupVersionKind& gvk) {
  edit.set_group(gvk.group);
  edit.set_version(gvk.version);
  edit.set_kind(gvk.kind);
}

void fill_resource(apidiscovery_v2::APIResourceDiscoveryEdit item,
                   const schema::Resource& resource) {
  item.set_resource(resource.resource);
  fill_kind(item.edit_response_kind(), resource.type->gvk);
  item.set_scope(resource.namespaced ? "Namespaced" : "Cluster");
  item.set_singular_resource(resource.singular);
  fill(item.edit_verbs(), resource.verbs);
  if (!resource.short_names.empty()) fill(item.edit_short_names(), resource.short_names);
  if (!resource.categories.empty()) fill(item.edit_categories(), resource.categories);
  for (const schema::Subresource& sub : resource.subresources) {
    auto entry = item.edit_subresources().append();
    entry.set_subresource(sub.name);
    fill_kind(entry.edit_response_kind(), sub.gvk);
    fill(entry.edit_verbs(), sub.verbs);
  }
}

ObjectPtr aggregated(const std::vector<Group>& groups, bool core) {
  Draft draft = apidiscovery_v2::APIGroupDiscoveryList::make();
  apidiscovery_v2::APIGroupDiscoveryListEdit list(draft);
  list.edit_metadata();
  for (const Group& group : groups) {
    if (group.name.empty() != core) continue;
    auto item = list.edit_items().append();
    item.edit_metadata();
    if (!core) item.edit_metadata().set_name(group.name);
    for (const Version& version : group.versions) {
      auto entry = item.edit_versions().append();
      entry.set_version(version.name);
      for (const schema::Resource* resource : version.resources) {
        fill_resource(entry.edit_resources().append(), *resource);
      }
      entry.set_freshness("Current");
    }
  }
  return draft.freeze();
}

std::string etag_of(const Object& document) {
  Bytes text = codec::encode_shared(codec::Format::kJson, document);
  char buffer[64];
  snprintf(buffer, sizeof buffer, "\"%016llX%08X\"", static_cast<unsigned long long>(fnv64a(*text)),
           fnv32a(*text));
  return buffer;
}

}  // namespace

Discovery::Discovery(std::string_view server_address) {
  add_core(server_address);
  add_groups();
}

void Discovery::add_core(std::string_view server_address) {
  Draft draft = meta_v1::APIVersions::make();
  meta_v1::APIVersionsEdit versions(draft);
  versions.edit_versions().append("v1");
  auto address = versions.edit_server_address_by_client_cidrs().append();
  address.set_client_cidr("0.0.0.0/0");
  address.set_server_address(server_address);
  documents_["/api"] = draft.freeze();
}

void Discovery::add_groups() {
  std::vector<Group> groups = served_groups();
  Draft draft = meta_v1::APIGroupList::make();
  meta_v1::APIGroupListEdit list(draft);
  for (const Group& group : groups) {
    std::string base = group.name.empty() ? "/api" : "/apis/" + std::string(group.name);
    for (const Version& version : group.versions) {
      documents_[base + "/" + std::string(version.name)] = resource_list(group, version);
    }
    if (group.name.empty()) continue;
    fill_group(list.edit_groups().append(), group);
    Draft one = meta_v1::APIGroup::make();
    fill_group(meta_v1::APIGroupEdit(one), group);
    documents_[base] = one.freeze();
  }
  documents_["/apis"] = draft.freeze();
  for (bool core : {true, false}) {
    std::string path = core ? "/api" : "/apis";
    aggregated_[path] = aggregated(groups, core);
    etags_[path] = etag_of(*aggregated_[path]);
  }
}

ObjectPtr Discovery::find(std::string_view path) const {
  auto at = documents_.find(path);
  return at == documents_.end() ? nullptr : at->second;
}

ObjectPtr Discovery::find_aggregated(std::string_view path) const {
  auto at = aggregated_.find(path);
  return at == aggregated_.end() ? nullptr : at->second;
}

const std::string& Discovery::etag(std::string_view path) const {
  static const std::string kNone;
  auto at = etags_.find(path);
  return at == etags_.end() ? kNone : at->second;
}

bool Discovery::serves_group(std::string_view group) const {
  return group.empty() || documents_.contains("/apis/" + std::string(group));
}

}  // namespace tiphys::apiserver
