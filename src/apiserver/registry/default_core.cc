// Defaults of the other core kinds (pkg/apis/core/v1/defaults.go).
#include "apiserver/registry/default_kinds.h"

namespace tiphys::apiserver {

void default_service(Draft& draft) {
  auto spec = core_v1::ServiceEdit(draft).edit_spec();
  core_v1::ServiceSpec view = spec.view();
  if (view.session_affinity().empty()) spec.set_session_affinity("None");
  if (view.session_affinity() == "None") spec.clear_session_affinity_config();
  if (view.session_affinity() == "ClientIP" &&
      !view.session_affinity_config().client_ip().has_timeout_seconds()) {
    spec.edit_session_affinity_config().edit_client_ip().set_timeout_seconds(10800);
  }
  if (view.type().empty()) spec.set_type("ClusterIP");
  if (view.has_ports()) {
    auto ports = spec.edit_ports();
    for (size_t i = 0; i < ports.size(); ++i) {
      if (ports[i].view().protocol().empty()) ports[i].set_protocol("TCP");
      const Value& target = ports[i].view().target_port();
      if (target.as_int() == 0 && target.as_text().empty()) {
        ports[i].set_target_port(Value::of_int(ports[i].view().port()));
      }
    }
  }
  std::string_view type = view.type();
  bool external = type == "NodePort" || type == "LoadBalancer";
  if (external && view.external_traffic_policy().empty()) spec.set_external_traffic_policy("Cluster");
  if ((external || type == "ClusterIP") && view.internal_traffic_policy().empty()) {
    spec.set_internal_traffic_policy("Cluster");
  }
  if (type == "LoadBalancer" && !view.has_allocate_load_balancer_node_ports()) {
    spec.set_allocate_load_balancer_node_ports(true);
  }
}

void default_secret(Draft& draft) {
  core_v1::SecretEdit secret(draft);
  if (secret.view().type().empty()) secret.set_type("Opaque");
}

void default_namespace(Draft& draft) {
  core_v1::NamespaceEdit ns(draft);
  std::string name(ns.view().metadata().name());
  if (name.empty()) return;
  ns.edit_metadata().edit_labels().set("kubernetes.io/metadata.name", name);
}

void default_node(Draft& draft) {
  core_v1::Node view(draft.root());
  if (view.status().capacity().empty()) return;
  auto status = core_v1::NodeEdit(draft).edit_status();
  for (auto entry : view.status().capacity()) {
    if (!status.view().allocatable().contains(entry.key)) {
      status.edit_allocatable().set(entry.key, entry.value);
    }
  }
}

void default_persistent_volume(Draft& draft) {
  core_v1::PersistentVolumeEdit volume(draft);
  if (volume.view().status().phase().empty()) volume.edit_status().set_phase("Pending");
  auto spec = volume.edit_spec();
  if (spec.view().persistent_volume_reclaim_policy().empty()) {
    spec.set_persistent_volume_reclaim_policy("Retain");
  }
  if (!spec.view().has_volume_mode()) spec.set_volume_mode("Filesystem");
  if (spec.view().has_host_path() && !spec.view().host_path().has_type()) {
    spec.edit_host_path().set_type("");
  }
}

void default_claim(core_v1::PersistentVolumeClaimEdit claim) {
  if (claim.view().status().phase().empty()) claim.edit_status().set_phase("Pending");
  if (!claim.view().spec().has_volume_mode()) claim.edit_spec().set_volume_mode("Filesystem");
}

void default_replication_controller(Draft& draft) {
  core_v1::ReplicationControllerEdit edit(draft);
  core_v1::ReplicationController view = edit.view();
  auto labels = view.spec().template_().metadata().labels();
  if (!labels.empty() && view.spec().selector().empty()) edit.edit_spec().set_selector(labels);
  if (!labels.empty() && view.metadata().labels().empty()) edit.edit_metadata().set_labels(labels);
  if (!view.spec().has_replicas()) edit.edit_spec().set_replicas(1);
  if (view.spec().has_template()) default_pod_template(edit.edit_spec().edit_template());
}

namespace {

// Copies the entries of `from` that `to` has not.
template <class M>
void fill(M to, MapView<std::string_view> from) {
  for (auto entry : from) {
    if (!to.contains(entry.key)) to.set(entry.key, entry.value);
  }
}

}  // namespace

void default_limit_range(Draft& draft) {
  auto spec = core_v1::LimitRangeEdit(draft).edit_spec();
  if (!spec.view().has_limits()) return;
  auto limits = spec.edit_limits();
  for (size_t i = 0; i < limits.size(); ++i) {
    core_v1::LimitRangeItem view = limits[i].view();
    if (view.type() != "Container") continue;
    if (!view.max().empty()) fill(limits[i].edit_default(), view.max());
    if (!view.default_().empty()) fill(limits[i].edit_default_request(), view.default_());
    if (!view.min().empty()) fill(limits[i].edit_default_request(), view.min());
  }
}

void default_endpoints(Draft& draft) {
  core_v1::EndpointsEdit edit(draft);
  if (!edit.view().has_subsets()) return;
  auto subsets = edit.edit_subsets();
  for (size_t i = 0; i < subsets.size(); ++i) {
    if (!subsets[i].view().has_ports()) continue;
    auto ports = subsets[i].edit_ports();
    for (size_t k = 0; k < ports.size(); ++k) {
      if (ports[k].view().protocol().empty()) ports[k].set_protocol("TCP");
    }
  }
}

}  // namespace tiphys::apiserver
