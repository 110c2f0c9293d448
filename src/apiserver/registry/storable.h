// The form an object has once it went through the store: protobuf knows no empty lists and maps, so
// they are absent. Done before the first answer, so that every reader sees the same. Pure.
#pragma once
#include "object/object.h"

namespace tiphys::apiserver {

void make_storable(Draft& object);

}  // namespace tiphys::apiserver
