#include "apiserver/apply/conflicts.h"

#include <algorithm>
#include <tuple>

#include "apiserver/managed_fields/path_text.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

// '"m1"', '"golden" using v1'
std::string owner_text(const ManagerEntry& entry) {
  std::string text = go_quote(entry.manager);
  if (!entry.subresource.empty()) text += " with subresource " + go_quote(entry.subresource);
  if (entry.operation == "Update") text += " using " + entry.api_version;
  return text;
}

std::string message_of(const Managers& conflicts, size_t count) {
  if (count == 1) {
    return "Apply failed with 1 conflict: conflict with " + owner_text(conflicts.front()) + ": " +
           path_text(conflicts.front().fields.paths().front());
  }
  std::string message = "Apply failed with " + std::to_string(count) + " conflicts: ";
  for (size_t i = 0; i < conflicts.size(); ++i) {
    if (i > 0) message += '\n';
    message += "conflicts with " + owner_text(conflicts[i]) + ":";
    for (const FieldSet::Path& path : conflicts[i].fields.paths()) {
      message += "\n- " + path_text(path);
    }
  }
  return message;
}

}  // namespace

ApiStatus conflict_status(Managers conflicts) {
  std::sort(conflicts.begin(), conflicts.end(), [](const ManagerEntry& a, const ManagerEntry& b) {
    return std::tie(a.manager, a.operation, a.api_version, a.subresource) <
           std::tie(b.manager, b.operation, b.api_version, b.subresource);
  });
  ApiStatus::Data data;
  data.code = 409;
  data.reason = "Conflict";
  data.has_details = true;
  for (const ManagerEntry& conflict : conflicts) {
    for (const FieldSet::Path& path : conflict.fields.paths()) {
      data.details.causes.push_back({.reason = "FieldManagerConflict",
                                     .message = "conflict with " + owner_text(conflict),
                                     .field = path_text(path)});
    }
  }
  data.message = message_of(conflicts, data.details.causes.size());
  return ApiStatus(std::move(data));
}

}  // namespace tiphys::apiserver
