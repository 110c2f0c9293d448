// Typed merge, field sets and removal over untyped JSON trees, guided by the schema's list types,
// map types and keys: structured-merge-diff's Merge, ToFieldSet and RemoveItems. Pure.
#pragma once
#include "apiserver/managed_fields/field_set.h"
#include "object/value.h"
#include "schema/message.h"

namespace tiphys::apiserver {

// Trees have the shape of their type (config_check.h). Items that occur more than once count as
// leaves.

// The paths that a tree sets.
FieldSet field_set_of(const schema::Message& type, const Value& tree);
// `live` with everything that `config` sets; items of lists in config's order, those of live alone
// where they were between. Both are trees of `arena` and may be shared after.
Value merge_trees(const schema::Message& type, Value live, Value config, Arena& arena);
// Removes the members of `set` (with all below) from the tree in place; containers that are left
// empty become null.
void remove_items(const schema::Message& type, Value& tree, const FieldSet& set);

}  // namespace tiphys::apiserver
