// Paths of field sets as messages show them: .spec.containers[name="a"].image. Pure.
#pragma once
#include <string>
#include <string_view>

#include "apiserver/managed_fields/field_set.h"

namespace tiphys::apiserver {

std::string element_text(std::string_view element);
std::string path_text(const FieldSet::Path& path);

}  // namespace tiphys::apiserver
