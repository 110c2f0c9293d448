// Warnings about valid objects: what their authors should know of deprecated fields and annotations
// and of definitions that hide each other. Pure.
// Upstream: pkg/api/{pod,service,persistentvolume,...}/warnings.go, the strategies'
// WarningsOnCreate and WarningsOnUpdate.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {

using Warnings = std::vector<std::string>;

inline void warn(Warnings& warnings, const FieldPath& path, std::string_view text) {
  warnings.push_back(path.text() + ": " + std::string(text));
}

// `path`: of the template; null: a pod itself.
void warn_of_pod(core_v1::PodSpec spec, meta_v1::ObjectMeta meta, const FieldPath* path,
                 Warnings& warnings);
// Parts of the above. `path`: of the spec.
void warn_of_volumes(core_v1::PodSpec spec, const FieldPath& path, Warnings& warnings);
void warn_of_container_ports(core_v1::PodSpec spec, const FieldPath& path, Warnings& warnings);

// An amount that must be a whole number and is none.
void warn_of_fraction(std::string_view amount, const FieldPath& path, Warnings& warnings);
// Fractional amounts of storage. `path`: of the claim's spec.
void warn_of_claim_spec(core_v1::PersistentVolumeClaimSpec spec, const FieldPath& path,
                        Warnings& warnings);

// What to use instead of a label of nodes. Empty: it is not deprecated.
std::string_view deprecated_node_label(std::string_view key);
// `check_values`: values of the term that no label can have are told too.
void warn_of_node_term(core_v1::NodeSelectorTerm term, bool check_values, const FieldPath& path,
                       Warnings& warnings);

// Addresses and networks not in their canonical form. Valid ones only.
void warn_of_ip(std::string_view text, const FieldPath& path, Warnings& warnings);
void warn_of_cidr(std::string_view text, const FieldPath& path, Warnings& warnings);

}  // namespace tiphys::apiserver
