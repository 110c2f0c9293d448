#include "apiserver/managed_fields/scale_entries.h"

namespace tiphys::apiserver {
namespace {

const FieldSet::Path& replicas_path() {
  static const FieldSet::Path path = {"f:spec", "f:replicas"};
  return path;
}

bool owns_replicas(const ManagerEntry& entry) { return entry.fields.has(replicas_path()); }

}  // namespace

Managers scale_entries(const Managers& parent) {
  Managers scale;
  for (const ManagerEntry& entry : parent) {
    if (!owns_replicas(entry)) continue;
    ManagerEntry shown = entry;
    shown.api_version = kScaleApiVersion;
    shown.fields = FieldSet();
    shown.fields.insert(replicas_path());
    scale.push_back(std::move(shown));
  }
  return scale;
}

Managers merge_scale_entries(Managers parent, const Managers& scale, std::string_view api_version) {
  Managers rest = scale;
  for (ManagerEntry& entry : parent) {
    if (!owns_replicas(entry)) continue;
    // Entries of applies have no version in their identity: they are found again.
    size_t erased =
        std::erase_if(rest, [&](const ManagerEntry& other) { return entry.same_identity(other); });
    if (erased == 0) entry.fields.remove(replicas_path());
  }
  for (ManagerEntry& entry : rest) {
    if (!owns_replicas(entry)) continue;
    entry.api_version = api_version;
    entry.time = 0;
    entry.fields = FieldSet();
    entry.fields.insert(replicas_path());
    parent.push_back(std::move(entry));
  }
  return parent;
}

}  // namespace tiphys::apiserver
