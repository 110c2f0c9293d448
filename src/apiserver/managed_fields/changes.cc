#include "apiserver/managed_fields/changes.h"

#include "apiserver/managed_fields/reset_fields.h"
#include "apiserver/registry/conversion.h"

namespace tiphys::apiserver {

const schema::Resource* resource_in_version(const schema::Resource& resource,
                                            std::string_view api_version) {
  if (api_version == resource.type->gvk.api_version()) return &resource;
  size_t slash = api_version.find('/');
  bool core = slash == std::string_view::npos;
  std::string_view group = core ? std::string_view() : api_version.substr(0, slash);
  std::string_view version = core ? api_version : api_version.substr(slash + 1);
  const schema::Resource* other = schema::find_resource(group, version, resource.resource);
  return other && &storage_type(*other) == &storage_type(resource) ? other : nullptr;
}

ObjectPtr convert_object(const schema::Resource& from, const schema::Resource& to, Draft object) {
  if (from.message == to.message) return object.freeze();
  return from_storage_version(to, to_storage_version(from, std::move(object)).freeze());
}

Changes::Changes(const schema::Resource& resource, std::string_view subresource,
                 const Object* before, const Draft& after)
    : resource_(resource), subresource_(subresource), before_(before), after_(after) {
  own_ = compare_objects(after.type(), before ? &before->root() : nullptr, after.root());
}

const Comparison* Changes::in_version(std::string_view api_version) {
  auto known = versions_.find(api_version);
  if (known == versions_.end()) {
    std::string name(api_version);
    const schema::Resource* resource = resource_in_version(resource_, api_version);
    if (resource) {
      add_version(name, *resource);
    } else {
      versions_.emplace(name, std::nullopt);
    }
    known = versions_.find(api_version);
  }
  return known->second ? &*known->second : nullptr;
}

void Changes::add_version(const std::string& api_version, const schema::Resource& resource) {
  Comparison seen = own_;
  if (&resource != &resource_) {
    ObjectPtr before;
    if (before_) before = convert_object(resource_, resource, Draft(*before_));
    ObjectPtr after = convert_object(resource_, resource, after_.clone());
    seen = compare_objects(after->type(), before ? &before->root() : nullptr, after->root());
  }
  for (FieldSet* set : {&seen.added, &seen.modified, &seen.removed}) {
    remove_reset_fields(*resource.message, resource, subresource_, *set);
  }
  versions_.emplace(api_version, std::move(seen));
}

Managers Changes::take_from(Managers& managers) {
  Managers conflicts;
  for (ManagerEntry& entry : managers) {
    const Comparison* seen = in_version(entry.api_version);
    if (!seen) {
      entry.fields = FieldSet();
      continue;
    }
    FieldSet lost = entry.fields.intersection(seen->modified);
    lost.unite(entry.fields.intersection(seen->added));
    entry.fields.subtract(lost);
    entry.fields.subtract(seen->removed);
    if (!lost.empty()) conflicts.push_back(entry.with_fields(std::move(lost)));
  }
  std::erase_if(managers, [](const ManagerEntry& entry) { return entry.fields.empty(); });
  return conflicts;
}

}  // namespace tiphys::apiserver
