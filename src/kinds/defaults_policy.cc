// SetDefaults_* of networking, rbac, storage, apiextensions and resource that depend on other
// fields.
#include "base/strings.h"
#include "kinds/apiextensions_v1.h"
#include "kinds/default_rules.h"
#include "kinds/networking_v1.h"
#include "kinds/rbac_v1.h"
#include "kinds/resource_v1.h"
#include "kinds/storage_v1.h"

namespace tiphys::kinds {

void default_network_policy(Arena& arena, Node& node) {
  networking_v1::NetworkPolicySpecEdit spec =
      networking_v1::NetworkPolicyEdit(arena, node).edit_spec();
  if (!spec.view().policy_types().empty()) return;
  spec.edit_policy_types().append("Ingress");
  if (!spec.view().egress().empty()) spec.edit_policy_types().append("Egress");
}

void default_rbac_subject(Arena& arena, Node& node) {
  rbac_v1::SubjectEdit subject(arena, node);
  if (!subject.view().api_group().empty()) return;
  std::string_view kind = subject.view().kind();
  if (kind == "User" || kind == "Group") subject.set_api_group("rbac.authorization.k8s.io");
}

void default_csi_driver(Arena& arena, Node& node) {
  storage_v1::CSIDriverSpecEdit spec(arena, node);
  if (spec.view().volume_lifecycle_modes().empty()) {
    spec.edit_volume_lifecycle_modes().append("Persistent");
  }
}

void default_custom_resource_definition(Arena& arena, Node& node) {
  apiextensions_v1::CustomResourceDefinitionSpecEdit spec(arena, node);
  std::string kind(spec.view().names().kind());
  if (!kind.empty() && spec.view().names().singular().empty()) {
    spec.edit_names().set_singular(to_lower(kind));
  }
  if (!kind.empty() && spec.view().names().list_kind().empty()) {
    spec.edit_names().set_list_kind(kind + "List");
  }
  if (!spec.view().has_conversion()) spec.edit_conversion().set_strategy("None");
}

namespace {

template <class E>
void default_device_count(E request) {
  if (request.view().allocation_mode().empty()) request.set_allocation_mode("ExactCount");
  bool counted = request.view().allocation_mode() == "ExactCount";
  if (counted && request.view().count() == 0) request.set_count(1);
}

}  // namespace

void default_exact_device_request(Arena& arena, Node& node) {
  default_device_count(resource_v1::ExactDeviceRequestEdit(arena, node));
}

void default_device_sub_request(Arena& arena, Node& node) {
  default_device_count(resource_v1::DeviceSubRequestEdit(arena, node));
}

}  // namespace tiphys::kinds
