#include "apiserver/managed_fields/managers.h"

#include <algorithm>
#include <tuple>

#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kAncient = "ancient-changes";

auto order(const ManagerEntry& entry) {
  return std::tie(entry.operation, entry.time, entry.manager, entry.api_version, entry.subresource);
}

using Merged = std::vector<std::pair<size_t, const ManagerEntry*>>;

// A bucket that took in no second entry stays the entry that it was.
void replace_with_buckets(Managers& managers, Managers& buckets, const Merged& merged) {
  std::vector<size_t> sizes(buckets.size(), 0);
  for (const auto& [bucket, entry] : merged) ++sizes[bucket];
  Managers kept;
  for (ManagerEntry& entry : managers) {
    bool gone = false;
    for (const auto& [bucket, old] : merged) gone |= old == &entry && sizes[bucket] > 1;
    if (!gone) kept.push_back(std::move(entry));
  }
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (sizes[i] < 2) continue;
    buckets[i].manager = kAncient;
    buckets[i].subresource.clear();
    kept.push_back(std::move(buckets[i]));
  }
  managers = std::move(kept);
}

Result<void> check_entry(meta_v1::ManagedFieldsEntry view, size_t index) {
  if (view.operation() != "Apply" && view.operation() != "Update") {
    return ApiStatus(500, "", "operation must be `Apply` or `Update`");
  }
  if (view.api_version().empty()) return ApiStatus(500, "", "apiVersion must not be empty");
  if (view.fields_type() == "FieldsV1") return {};
  std::string where = " in managed fields entry " + std::to_string(index);
  if (view.fields_type().empty()) return ApiStatus(500, "", "missing fieldsType" + where);
  return ApiStatus(500, "", "invalid fieldsType " + go_quote(view.fields_type()) + where);
}

}  // namespace

Result<Managers> read_managers(const schema::Message& type, const Node& root) {
  Managers managers;
  for (const Value& item : MetaView(type, root).value("managedFields").as_node().items()) {
    meta_v1::ManagedFieldsEntry view(item.as_node());
    auto checked = check_entry(view, managers.size());
    if (!checked) return checked.error();
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
    // Of two entries of one identity the last counts.
    std::erase_if(managers, [&](const ManagerEntry& m) { return m.same_identity(entry); });
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
  std::vector<const ManagerEntry*> updates;
  for (const ManagerEntry& entry : managers) {
    if (entry.operation == "Update") updates.push_back(&entry);
  }
  if (updates.size() <= kMaxUpdateManagers) return;
  std::sort(updates.begin(), updates.end(),
            [](const ManagerEntry* a, const ManagerEntry* b) { return order(*a) < order(*b); });
  Managers buckets;  // the oldest entries of each version, merged
  size_t left = updates.size();
  Merged merged;
  for (const ManagerEntry* entry : updates) {
    if (left <= kMaxUpdateManagers) break;
    size_t at = 0;
    while (at < buckets.size() && buckets[at].api_version != entry->api_version) ++at;
    if (at == buckets.size()) {
      buckets.push_back(*entry);
    } else {
      buckets[at].fields.unite(entry->fields);
      buckets[at].time = entry->time;
      --left;
    }
    merged.emplace_back(at, entry);
  }
  replace_with_buckets(managers, buckets, merged);
}

}  // namespace tiphys::apiserver
