// Pruning: takes out of an object what its manager applied the last time, applies no more, and
// nobody else owns. Pure. Upstream: structured-merge-diff's merge.Updater, prune.
#pragma once
#include "apiserver/managed_fields/managers.h"
#include "base/result.h"
#include "object/value.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// A tree of `from` as `to` serves it; both are of one stored kind.
Result<Value> convert_tree(const schema::Resource& from, const schema::Resource& to,
                           const Value& tree, Arena& arena);

// `merged`: a tree of `resource`. `last`: what this manager had applied, in its version.
// `managers`: everybody, with what this manager applies now. Errors: a tree that does not convert.
Result<Value> prune(const schema::Resource& resource, Value merged, const ManagerEntry& last,
                    const Managers& managers, Arena& arena);

}  // namespace tiphys::apiserver
