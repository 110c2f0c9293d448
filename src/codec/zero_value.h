// zero_value: the zero of a field's item type, which Go's decoders put where an item or a map
// value is null or absent. Pure; the value lives in the arena.
#pragma once
#include "object/value.h"
#include "schema/message.h"

namespace tiphys::codec {

// Null for times (Go's zero time is not the epoch) and for untyped values.
Value zero_value(const schema::Field& field, Arena& arena);

}  // namespace tiphys::codec
