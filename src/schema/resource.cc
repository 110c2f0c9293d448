#include "schema/resource.h"

#include <algorithm>

#include "schema/tables_index.h"

namespace tiphys::schema {

bool Resource::has_verb(std::string_view verb) const {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

const Subresource* Resource::find_subresource(std::string_view name) const {
  for (const Subresource& sub : subresources) {
    if (sub.name == name) return &sub;
  }
  return nullptr;
}

std::span<const Resource> all_resources() { return tables::resources(); }

const Resource* find_resource(std::string_view group, std::string_view version,
                              std::string_view resource) {
  for (const Resource& r : all_resources()) {
    if (r.resource == resource && r.group == group && r.version == version) return &r;
  }
  return nullptr;
}

const Resource* find_resource_of_kind(std::string_view group, std::string_view version,
                                      std::string_view kind) {
  for (const Resource& r : all_resources()) {
    if (r.kind == kind && r.group == group && r.version == version) return &r;
  }
  return nullptr;
}

}  // namespace tiphys::schema
