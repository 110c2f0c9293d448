// Fields that flags give, laid over a configuration file. Pure.
#pragma once
#include <string_view>

#include "object/object.h"

namespace tiphys {

// Sets the field at "a.b.c" of a map, and makes the maps on the way.
void put_path(Arena& arena, Node* node, std::string_view path, Value value);

}  // namespace tiphys
