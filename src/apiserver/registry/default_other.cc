// Defaults of the remaining groups (pkg/apis/*/v1/defaults.go).
#include "apiserver/registry/default_kinds.h"
#include "kinds/admissionregistration_v1.h"
#include "kinds/apiregistration_v1.h"
#include "kinds/discovery_v1.h"
#include "kinds/flowcontrol_v1.h"
#include "kinds/networking_v1.h"
#include "kinds/rbac_v1.h"
#include "kinds/scheduling_v1.h"
#include "kinds/storage_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";

template <class E>
void default_policy_ports(E rule) {
  if (!rule.view().has_ports()) return;
  auto ports = rule.edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].view().protocol().empty()) ports[i].set_protocol("TCP");
  }
}

template <class E>
void default_binding(E binding) {
  if (binding.view().role_ref().api_group().empty()) {
    binding.edit_role_ref().set_api_group(kRbacGroup);
  }
  if (!binding.view().has_subjects()) return;
  auto subjects = binding.edit_subjects();
  for (size_t i = 0; i < subjects.size(); ++i) {
    bool named = subjects[i].view().kind() == "User" || subjects[i].view().kind() == "Group";
    if (named && subjects[i].view().api_group().empty()) subjects[i].set_api_group(kRbacGroup);
  }
}

template <class E>
void default_webhook(E webhook) {
  auto view = webhook.view();
  if (view.failure_policy().empty()) webhook.set_failure_policy("Fail");
  if (view.match_policy().empty()) webhook.set_match_policy("Equivalent");
  webhook.edit_namespace_selector();
  webhook.edit_object_selector();
  if (!view.has_timeout_seconds()) webhook.set_timeout_seconds(10);
  if (view.client_config().has_service() && !view.client_config().service().has_port()) {
    webhook.edit_client_config().edit_service().set_port(443);
  }
  if (!view.has_rules()) return;
  auto rules = webhook.edit_rules();
  for (size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].view().scope().empty()) rules[i].set_scope("*");
  }
}

}  // namespace

void default_network_policy(Draft& draft) {
  networking_v1::NetworkPolicyEdit policy(draft);
  auto spec = policy.edit_spec();
  if (spec.view().has_ingress()) {
    auto rules = spec.edit_ingress();
    for (size_t i = 0; i < rules.size(); ++i) default_policy_ports(rules[i]);
  }
  if (spec.view().has_egress()) {
    auto rules = spec.edit_egress();
    for (size_t i = 0; i < rules.size(); ++i) default_policy_ports(rules[i]);
  }
  if (!spec.view().policy_types().empty()) return;
  spec.edit_policy_types().append("Ingress");
  if (!spec.view().egress().empty()) spec.edit_policy_types().append("Egress");
}

void default_ingress_class(Draft& draft) {
  networking_v1::IngressClassEdit edit(draft);
  if (edit.view().spec().has_parameters() && !edit.view().spec().parameters().has_scope()) {
    edit.edit_spec().edit_parameters().set_scope("Cluster");
  }
}

void default_endpoint_slice(Draft& draft) {
  discovery_v1::EndpointSliceEdit slice(draft);
  if (!slice.view().has_ports()) return;
  auto ports = slice.edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!ports[i].view().has_name()) ports[i].set_name("");
    if (!ports[i].view().has_protocol()) ports[i].set_protocol("TCP");
  }
}

void default_role_binding(Draft& draft) { default_binding(rbac_v1::RoleBindingEdit(draft)); }
void default_cluster_role_binding(Draft& draft) {
  default_binding(rbac_v1::ClusterRoleBindingEdit(draft));
}

void default_storage_class(Draft& draft) {
  storage_v1::StorageClassEdit edit(draft);
  if (edit.view().reclaim_policy().empty()) edit.set_reclaim_policy("Delete");
  if (edit.view().volume_binding_mode().empty()) edit.set_volume_binding_mode("Immediate");
}

void default_csi_driver(Draft& draft) {
  auto spec = storage_v1::CSIDriverEdit(draft).edit_spec();
  if (!spec.view().has_attach_required()) spec.set_attach_required(true);
  if (!spec.view().has_pod_info_on_mount()) spec.set_pod_info_on_mount(false);
  if (!spec.view().has_storage_capacity()) spec.set_storage_capacity(false);
  if (spec.view().fs_group_policy().empty()) spec.set_fs_group_policy("ReadWriteOnceWithFSType");
  if (spec.view().volume_lifecycle_modes().empty()) {
    spec.edit_volume_lifecycle_modes().append("Persistent");
  }
  if (!spec.view().has_requires_republish()) spec.set_requires_republish(false);
  if (!spec.view().has_se_linux_mount()) spec.set_se_linux_mount(false);
}

void default_priority_class(Draft& draft) {
  scheduling_v1::PriorityClassEdit edit(draft);
  if (edit.view().preemption_policy().empty()) edit.set_preemption_policy("PreemptLowerPriority");
}

void default_validating_webhooks(Draft& draft) {
  admissionregistration_v1::ValidatingWebhookConfigurationEdit edit(draft);
  if (!edit.view().has_webhooks()) return;
  auto webhooks = edit.edit_webhooks();
  for (size_t i = 0; i < webhooks.size(); ++i) default_webhook(webhooks[i]);
}

void default_mutating_webhooks(Draft& draft) {
  admissionregistration_v1::MutatingWebhookConfigurationEdit edit(draft);
  if (!edit.view().has_webhooks()) return;
  auto webhooks = edit.edit_webhooks();
  for (size_t i = 0; i < webhooks.size(); ++i) {
    default_webhook(webhooks[i]);
    if (webhooks[i].view().reinvocation_policy().empty()) {
      webhooks[i].set_reinvocation_policy("Never");
    }
  }
}

void default_flow_schema(Draft& draft) {
  auto spec = flowcontrol_v1::FlowSchemaEdit(draft).edit_spec();
  if (spec.view().matching_precedence() == 0) spec.set_matching_precedence(1000);
}

void default_api_service(Draft& draft) {
  auto spec = apiregistration_v1::APIServiceEdit(draft).edit_spec();
  if (spec.view().has_service() && !spec.view().service().has_port()) {
    spec.edit_service().set_port(443);
  }
}

}  // namespace tiphys::apiserver
