// Comparison: which fields differ between two objects of a type, as structured-merge-diff's
// TypedValue.Compare sees them: by the schema's list types, map types and keys. Pure.
#pragma once
#include "apiserver/managed_fields/field_set.h"
#include "object/value.h"
#include "schema/message.h"

namespace tiphys::apiserver {

struct Comparison {
  FieldSet added;
  FieldSet modified;
  FieldSet removed;
};

// before null: an object with nothing set. metadata's server-set fields are not compared.
Comparison compare_objects(const schema::Message& type, const Node* before, const Node& after);

// The FieldsV1 key of an item of a keyed or set list: `k:{"name":"c"}`, `v:"x"`.
std::string item_element(const schema::Field& list, const Value& item);

// Removes from a set what no manager owns: type, name, namespace, uid and alike.
void strip_system_fields(FieldSet& set);

}  // namespace tiphys::apiserver
