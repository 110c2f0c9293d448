#include "apiserver/managed_fields/managers.h"

#include <algorithm>
#include <tuple>

#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/registry/meta.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kAncient = "ancient-changes";

auto order(const ManagerEntry& entry) {
  return std::tie(entry.operation, entry.time, entry.manager, entry.api_version, entry.subresource);
}

}  // namespace

Result<Managers> read_managers(const schema::Message& type, const Node& root) {
  Managers managers;
  for (const Value& item : MetaView(type, root).value("managedFields").as_node().items()) {
    meta_v1::ManagedFieldsEntry view(item.as_node());
    ManagerEntry entry;
    entry.manager = view.manager();
    entry.operation = view.operation();
    entry.api_version = view.api_version();
    entry.subresource = view.subresource();
    entry.time = view.time();
    if (!view.fields_v1().empty()) {
      TIPHYS_TRY(FieldSet, fields, FieldSet::parse(view.fields_v1()));
      entry.fields = std::move(fields);
    }
    managers.push_back(std::move(entry));
  }
  return managers;
}

void write_managers(Draft& object, Managers managers) {
  std::erase_if(managers, [](const ManagerEntry& entry) { return entry.fields.empty(); });
  std::sort(managers.begin(), managers.end(),
            [](const ManagerEntry& a, const ManagerEntry& b) { return order(a) < order(b); });
  MetaEdit edit(object);
  if (managers.empty()) return edit.clear("managedFields");
  Arena& arena = object.arena();
  Value list = arena.make(ValueType::kList);
  for (const ManagerEntry& entry : managers) {
    Value item = arena.make(ValueType::kStruct);
    meta_v1::ManagedFieldsEntryEdit out(arena, *item.node);
    out.set_manager(entry.manager);
    out.set_operation(entry.operation);
    out.set_api_version(entry.api_version);
    if (entry.time != 0) out.set_time(entry.time);
    out.set_fields_type("FieldsV1");
    out.set_fields_v1(entry.fields.json());
    out.set_subresource(entry.subresource);
    append(arena, *list.node, item);
  }
  edit.set("managedFields", list);
}

void cap_managers(Managers& managers) {
  std::vector<size_t> updates;
  for (size_t i = 0; i < managers.size(); ++i) {
    if (managers[i].operation == "Update") updates.push_back(i);
  }
  if (updates.size() <= kMaxUpdateManagers) return;
  std::sort(updates.begin(), updates.end(),
            [&](size_t a, size_t b) { return order(managers[a]) < order(managers[b]); });
  updates.resize(updates.size() - kMaxUpdateManagers + 1);
  ManagerEntry ancient = managers[updates.back()];
  ancient.manager = kAncient;
  ancient.subresource.clear();
  for (size_t index : updates) ancient.fields.unite(managers[index].fields);
  std::sort(updates.rbegin(), updates.rend());
  for (size_t index : updates) managers.erase(managers.begin() + static_cast<long>(index));
  managers.push_back(std::move(ancient));
}

}  // namespace tiphys::apiserver
