#include "apiserver/managed_fields/managed_fields.h"

#include "apiserver/managed_fields/changes.h"
#include "apiserver/managed_fields/reset_fields.h"
#include "apiserver/registry/meta.h"

namespace tiphys::apiserver {
namespace {

// An empty list, or one empty entry, means: forget all of it.
bool asks_for_reset(const Draft& object) {
  const Value& entries = MetaView(object).value("managedFields");
  if (entries.type != ValueType::kList) return false;
  return entries.node->size == 0 ||
         (entries.node->size == 1 && entries.node->data[0].as_node().size == 0);
}

// Who owns what before this write. The client's own list counts if it has one that can be read,
// but not through a subresource.
Managers managers_before(std::string_view subresource, const Object* live, const Draft& object) {
  if (subresource.empty()) {
    if (asks_for_reset(object)) return {};
    auto own = read_managers(object.type(), object.root());
    if (own && !own->empty()) return std::move(*own);
  }
  if (!live) return {};
  auto kept = read_managers(live->type(), live->root());
  return kept ? std::move(*kept) : Managers{};
}

void add_own_fields(Managers& managers, ManagerEntry own) {
  if (own.fields.empty()) return;
  for (ManagerEntry& entry : managers) {
    if (!entry.same_identity(own)) continue;
    entry.fields.unite(own.fields);
    entry.time = own.time;
    return;
  }
  managers.push_back(std::move(own));
}

}  // namespace

ManagerEntry update_entry(const schema::Resource& resource, std::string_view subresource,
                          std::string_view manager, MicroTime now) {
  ManagerEntry entry;
  entry.manager = manager;
  entry.operation = "Update";
  entry.api_version = resource.type->gvk.api_version();
  entry.subresource = subresource;
  entry.time = now - now % kMicrosPerSecond;
  return entry;
}

void track_update(const schema::Resource& resource, std::string_view subresource,
                  const Object* live, Draft& object, std::string_view manager, MicroTime now) {
  Managers managers = managers_before(subresource, live, object);
  MetaEdit(object).clear("managedFields");
  if (live && managers.empty()) return;
  Changes changes(resource, subresource, live, object);
  changes.take_from(managers);
  ManagerEntry own = update_entry(resource, subresource, manager, now);
  own.fields = changes.own().modified;
  own.fields.unite(changes.own().added);
  remove_reset_fields(object.type(), resource, subresource, own.fields);
  add_own_fields(managers, std::move(own));
  cap_managers(managers);
  write_managers(object, std::move(managers));
}

}  // namespace tiphys::apiserver
