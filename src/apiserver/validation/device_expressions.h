// Expressions that select devices (resource.k8s.io): bool, of the one variable `device`.
// Source: k8s.io/dynamic-resource-allocation v0.35 cel/compile.go.
#pragma once
#include <string>
#include <string_view>

namespace tiphys::apiserver {

// What is wrong with the expression, as its field's error says it; empty: nothing. What it may
// cost is not estimated. Pure; safe from any thread.
std::string check_device_expression(std::string_view expression);

}  // namespace tiphys::apiserver
