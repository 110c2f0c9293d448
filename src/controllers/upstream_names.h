// Upstream names: what upstream's --controllers knows: names of controllers, their old names, and
// which of them are not started by "*". Pure.
// Source: k8s.io/kubernetes cmd/kube-controller-manager/names, v1.35.
#pragma once
#include <string_view>

namespace tiphys::controllers {

// "deployment-controller" for "deployment"; any other text as it is.
std::string_view canonical_name(std::string_view name);
// Upstream has a controller of this name, which need not be here.
bool is_upstream_name(std::string_view name);
// "*" does not mean it.
bool is_off_by_default(std::string_view name);

}  // namespace tiphys::controllers
