// Equality as apimachinery's equality.Semantic has it: a list or map that is empty is one that is
// absent, and a struct that is no pointer is always there. Pure.
#pragma once
#include "object/value.h"
#include "schema/message.h"

namespace tiphys::apiserver {

bool semantic_equal(const schema::Field& field, const Value& a, const Value& b);
bool semantic_equal(const schema::Message& message, const Node& a, const Node& b);

}  // namespace tiphys::apiserver
