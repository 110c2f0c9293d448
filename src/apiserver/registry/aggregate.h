// Field errors as one text. Pure.
#pragma once
#include <string>

#include "apiserver/registry/field_error.h"

namespace tiphys::apiserver {

// As Go's error of an aggregate: each text once, in brackets if they are several.
std::string aggregate_text(const FieldErrors& errors);

}  // namespace tiphys::apiserver
