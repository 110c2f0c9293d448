// Whether an applied configuration has the shape of its type. Pure.
// Upstream: structured-merge-diff's typed.TypedValue.Validate.
#pragma once
#include <string>

#include "object/value.h"
#include "schema/message.h"

namespace tiphys::apiserver {

// "" if it has; else the problems as upstream words them, one alone or a list:
// `.spec.foo: field not declared in schema`, `.data.n: expected string, got ...`.
std::string config_problems(const schema::Message& type, const Value& config);

}  // namespace tiphys::apiserver
