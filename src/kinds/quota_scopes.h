// The scopes of ResourceQuotas: which pods and claims a quota is about. Pure.
// Source: k8s.io/kubernetes pkg/quota/v1/evaluator/core.
#pragma once
#include <set>
#include <string>

#include "kinds/core_v1.h"

namespace tiphys::kinds {

// The VolumeAttributesClasses that a claim wants, has, or is on its way to.
std::set<std::string> volume_attributes_classes(const core_v1::PersistentVolumeClaim& claim);

}  // namespace tiphys::kinds
