// Selection: label and field selectors of a list, watch or deletecollection, as one predicate.
//
// Field selectors of a kind: metadata.name and metadata.namespace everywhere, and each kind's own
// rows in selection.cc. Pure.
#pragma once
#include <string>

#include "apiserver/cacher/cache_watcher.h"
#include "base/result.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxSelectorBytes = 64 * 1024;

struct Selection {
  Predicate predicate;  // null: everything; takes objects of the stored version
  std::string name;     // asked by metadata.name=x: only this one
  std::string ns;       // asked by metadata.namespace=x
};
// Errors: BadRequest, upstream's wording (unparsable selector, field label not supported).
Result<Selection> make_selection(const schema::Resource& resource, std::string_view labels,
                                 std::string_view fields);

}  // namespace tiphys::apiserver
