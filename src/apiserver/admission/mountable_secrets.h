// Which secrets a pod names, and whether its service account lists them (the annotation
// kubernetes.io/enforce-mountable-secrets). Pure.
// Upstream: plugin/pkg/admission/serviceaccount (limitSecretReferences).
#pragma once
#include <string>

#include "kinds/core_v1.h"

namespace tiphys::apiserver {

bool references_secrets(const core_v1::Pod& pod);

// Why the pod may not run as the account, in upstream's words; "" if it may. Looks at ephemeral
// containers only if `ephemeral_only`.
std::string find_unmountable_secret(const core_v1::Pod& pod, const core_v1::ServiceAccount& account,
                                    bool ephemeral_only);

}  // namespace tiphys::apiserver
