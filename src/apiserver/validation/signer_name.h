// Names of certificate signers ("example.com/signer") and of the trust bundles made for them.
// Source: pkg/apis/core/validation/names.go. Pure.
#pragma once
#include <string_view>

#include "apiserver/registry/field_error.h"
#include "apiserver/validation/names.h"

namespace tiphys::apiserver {

void check_signer_name(std::string_view name, const FieldPath& path, FieldErrors& errors);
// Of the domain kubernetes.io.
bool is_kubernetes_signer(std::string_view name);
// A bundle that names a signer ("example.com:signer:name") or none.
Messages check_trust_bundle_name(std::string_view name);

}  // namespace tiphys::apiserver
