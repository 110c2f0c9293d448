// Managers: the entries of metadata.managedFields, decoded. Pure.
#pragma once
#include <string>
#include <vector>

#include "apiserver/managed_fields/field_set.h"
#include "base/time.h"
#include "object/object.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxUpdateManagers = 10;  // older ones become "ancient-changes"

struct ManagerEntry {
  std::string manager;
  std::string operation;  // Apply, Update
  std::string api_version;
  std::string subresource;
  MicroTime time = 0;
  FieldSet fields;

  // The same entry but for its fields.
  ManagerEntry with_fields(FieldSet other) const {
    return {manager, operation, api_version, subresource, time, std::move(other)};
  }
  bool same_identity(const ManagerEntry& other) const {
    return manager == other.manager && operation == other.operation &&
           subresource == other.subresource &&
           (operation == "Apply" || api_version == other.api_version);
  }
};

using Managers = std::vector<ManagerEntry>;

// Entries that can't be read are an error, worded as upstream's; writes that are no applies then
// treat them as none.
Result<Managers> read_managers(const schema::Message& type, const Node& root);
// Sorts as upstream and writes metadata.managedFields; empty entries are left out.
void write_managers(Draft& object, Managers managers);
// More than kMaxUpdateManagers update entries: the oldest of a version become one,
// "ancient-changes".
void cap_managers(Managers& managers);

}  // namespace tiphys::apiserver
