#include "apiserver/managed_fields/managed_fields.h"

#include "apiserver/managed_fields/changes.h"
#include "apiserver/managed_fields/reset_fields.h"
#include "apiserver/registry/meta.h"
#include "apiserver/registry/storable.h"
#include "kinds/meta_v1.h"

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

// Entries of the same text but for their times.
bool same_entries(const Value& a, const Value& b) {
  static const schema::Message& type = meta_v1::ManagedFieldsEntry::message_type();
  const std::string_view time[] = {"time"};
  for (uint32_t i = 0; i < a.as_node().size; ++i) {
    if (!same_stored(type, a.node->data[i].as_node(), b.node->data[i].as_node(), time)) {
      return false;
    }
  }
  return true;
}

}  // namespace

void keep_entry_times(Draft& object, const Object& old) {
  const Value& now = MetaView(object).value("managedFields");
  const Value& before = MetaView(old).value("managedFields");
  if (now.as_node().size != before.as_node().size || equal(now, before)) return;
  const std::string_view kept[] = {"metadata"};
  const std::string_view kept_of_metadata[] = {"managedFields", "resourceVersion"};
  bool same = same_stored(object.type(), object.root(), old.root(), kept) &&
              same_stored(*MetaView(old).type(), MetaView(object).node(), MetaView(old).node(),
                          kept_of_metadata) &&
              same_entries(now, before);
  if (same) MetaEdit(object).copy("managedFields", MetaView(old));
}

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
