// Conflicts of an apply: the fields that other managers own, as upstream tells them. Pure.
// Upstream: apimachinery/pkg/util/managedfields/internal/conflict.go.
#pragma once
#include "apiserver/managed_fields/managers.h"
#include "base/status.h"

namespace tiphys::apiserver {

// Each entry's fields are what it owns of what the apply would change. 409, a cause a field.
ApiStatus conflict_status(Managers conflicts);

}  // namespace tiphys::apiserver
