// Typed merge, field sets and removal over untyped JSON trees, guided by the schema's list types,
// map types and keys: structured-merge-diff's Merge, ToFieldSet and RemoveItems. Pure.
#pragma once
#include "apiserver/managed_fields/field_set.h"
#include "base/result.h"
#include "object/value.h"
#include "schema/message.h"

namespace tiphys::apiserver {

// The paths that a configuration sets. Error: BadRequest-like 500 for unknown fields, wrong shapes
// and duplicate items, worded as upstream (".spec.foo: field not declared in schema").
Result<FieldSet> field_set_of(const schema::Message& type, const Value& config);
// `live` with everything that `config` sets. Both are trees of `arena` and may be shared after.
Value merge_trees(const schema::Message& type, Value live, Value config, Arena& arena);
// Removes the members of `set` (with all below) from the tree in place.
void remove_items(const schema::Message& type, Value& tree, const FieldSet& set);

}  // namespace tiphys::apiserver
