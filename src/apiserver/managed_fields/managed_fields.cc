#include "apiserver/managed_fields/managed_fields.h"

#include "apiserver/managed_fields/comparison.h"
#include "apiserver/managed_fields/managers.h"
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

// Who owns what before this write. The client's own list counts if it has one that can be read.
Managers managers_before(std::string_view subresource, const Object* live, const Draft& object) {
  if (subresource.empty() || !live) {
    auto own = read_managers(object.type(), object.root());
    if (own && !own->empty()) return std::move(*own);
  }
  if (!live) return {};
  auto kept = read_managers(live->type(), live->root());
  return kept ? std::move(*kept) : Managers{};
}

}  // namespace

void track_update(const schema::Resource& resource, std::string_view subresource,
                  const Object* live, Draft& object, std::string_view manager, MicroTime now) {
  if (asks_for_reset(object)) return MetaEdit(object).clear("managedFields");
  Managers managers = managers_before(subresource, live, object);
  if (live && managers.empty()) return MetaEdit(object).clear("managedFields");
  Comparison difference =
      compare_objects(object.type(), live ? &live->root() : nullptr, object.root());
  FieldSet taken = difference.modified;
  taken.unite(difference.added);
  for (ManagerEntry& entry : managers) {
    entry.fields.subtract(taken);
    entry.fields.subtract(difference.removed);
  }
  remove_reset_fields(object.type(), resource, subresource, taken);
  if (!taken.empty()) {
    ManagerEntry own;
    own.manager = manager;
    own.operation = "Update";
    own.api_version = resource.type->gvk.api_version();
    own.subresource = subresource;
    own.time = now - now % kMicrosPerSecond;
    own.fields = std::move(taken);
    bool merged = false;
    for (ManagerEntry& entry : managers) {
      if (!entry.same_identity(own)) continue;
      entry.fields.unite(own.fields);
      entry.time = own.time;
      merged = true;
      break;
    }
    if (!merged) managers.push_back(std::move(own));
  }
  std::erase_if(managers, [](const ManagerEntry& entry) { return entry.fields.empty(); });
  cap_managers(managers);
  write_managers(object, std::move(managers));
}

}  // namespace tiphys::apiserver
