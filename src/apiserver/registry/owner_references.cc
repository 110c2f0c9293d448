#include "apiserver/registry/owner_references.h"

#include <algorithm>
#include <set>
#include <tuple>

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

// All that an owner reference says; absent and false differ.
auto identity(meta_v1::OwnerReference owner) {
  return std::tuple(owner.uid(), owner.api_version(), owner.kind(), owner.name(),
                    owner.has_controller(), owner.controller(), owner.has_block_owner_deletion(),
                    owner.block_owner_deletion());
}

}  // namespace

void merge_owner_references(Draft& object, std::vector<std::string>* warnings,
                            bool after_admission) {
  auto items = MetaView(object).value("ownerReferences").as_node().items();
  std::vector<Value> kept;
  std::vector<std::string> duplicates;
  std::set<decltype(identity(std::declval<meta_v1::OwnerReference>()))> seen;
  for (const Value& item : items) {
    meta_v1::OwnerReference owner(item.as_node());
    if (seen.insert(identity(owner)).second) {
      kept.push_back(item);
    } else {
      duplicates.emplace_back(owner.uid());
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
