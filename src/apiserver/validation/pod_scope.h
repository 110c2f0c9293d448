// What validation of a pod's parts needs to know of the whole. Borrowed; pure.
#pragma once
#include <map>
#include <set>
#include <string_view>

#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"
#include "kinds/view.h"

namespace tiphys::apiserver {

// What an update may keep because the old object has it already (upstream's ratcheting options).
struct PodLeniency {
  bool deletion_cost = false;     // an annotation that is no number
  bool huge_pages = false;        // amounts that are no multiple of the page size
  bool selector_values = false;   // label values in affinity selectors
  bool node_values = false;       // label values in required node affinity
  bool spread_selectors = false;  // selectors of topology spread constraints
  bool spread_keys = false;       // matchLabelKeys that their selector has, too
  bool token_paths = false;       // projected token paths that leave the volume
  bool host_sysctls = false;      // sysctls of a namespace that is the host's
  bool user_namespace_devices = false;
};

struct PodScope {
  core_v1::PodSpec spec;
  bool is_pod = false;        // a pod itself, no template
  std::string_view pod_name;  // empty in templates
  bool mirror = false;        // has the mirror pod annotation
  PodLeniency allow;

  // Not "hostUsers: false".
  bool host_users() const { return !spec.has_host_users() || spec.host_users(); }
};

// The valid volumes by name.
using VolumesByName = std::map<std::string_view, core_v1::Volume>;

struct ContainerScope {
  const PodScope& pod;
  const VolumesByName& volumes;
  const std::set<std::string_view>& claims;  // names of spec.resourceClaims
};

// Init containers, containers and ephemeral containers, in this order, each with its path.
template <class Visit>
void for_each_container(core_v1::PodSpec spec, const FieldPath& path, Visit visit) {
  for (size_t i = 0; i < spec.init_containers().size(); ++i) {
    visit(spec.init_containers()[i], path.child("initContainers").index(i));
  }
  for (size_t i = 0; i < spec.containers().size(); ++i) {
    visit(spec.containers()[i], path.child("containers").index(i));
  }
  for (size_t i = 0; i < spec.ephemeral_containers().size(); ++i) {
    // The same fields in the same order as Container, as upstream has it.
    core_v1::Container common(spec.ephemeral_containers()[i].ephemeral_container_common().node());
    visit(common, path.child("ephemeralContainers").index(i));
  }
}

}  // namespace tiphys::apiserver
