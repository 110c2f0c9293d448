#include "apiserver/registry/owner_references.h"

#include <algorithm>

#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

std::string warning_text(const std::vector<std::string>& uids, bool after_admission) {
  return std::string(".metadata.ownerReferences contains duplicate entries") +
         (after_admission ? " after mutating admission happens" : "") +
         "; API server dedups owner references in 1.20+, and may reject such requests as early as "
         "1.24; please fix your requests; duplicate UID(s) observed: " +
         join(uids, ", ");
}

}  // namespace

void merge_owner_references(Draft& object, std::vector<std::string>* warnings,
                            bool after_admission) {
  auto items = MetaView(object).value("ownerReferences").as_node().items();
  std::vector<Value> kept;
  std::vector<std::string> duplicates;
  for (const Value& item : items) {
    bool seen = std::ranges::any_of(kept, [&](const Value& other) { return equal(item, other); });
    if (seen) {
      duplicates.emplace_back(meta_v1::OwnerReference(item.as_node()).uid());
    } else {
      kept.push_back(item);
    }
  }
  if (duplicates.empty()) return;
  Arena& arena = object.arena();
  Value list = arena.make(ValueType::kList);
  for (const Value& item : kept) append(arena, *list.node, item);
  MetaEdit(object).set("ownerReferences", list);
  std::string text = warning_text(duplicates, after_admission);
  if (warnings && std::ranges::find(*warnings, text) == warnings->end()) {
    warnings->push_back(std::move(text));
  }
}

}  // namespace tiphys::apiserver
