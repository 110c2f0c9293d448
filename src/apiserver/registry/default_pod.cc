// Defaults of pods and pod templates (pkg/apis/core/v1/defaults.go).
#include "apiserver/registry/kind_defaults.h"

namespace tiphys::apiserver {
namespace {

constexpr int32_t kFileMode = 0644;
constexpr int64_t kTokenSeconds = 3600;

// "IfNotPresent", or "Always" for the tag latest, said or meant.
std::string_view pull_policy(std::string_view image) {
  size_t digest = image.find('@');
  if (digest != std::string_view::npos) {
    std::string_view named = image.substr(0, digest);
    size_t colon = named.rfind(':');
    bool tagged = colon != std::string_view::npos && named.find('/', colon) == std::string_view::npos;
    return tagged && named.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
  }
  size_t colon = image.rfind(':');
  bool tagged = colon != std::string_view::npos && image.find('/', colon) == std::string_view::npos;
  return tagged && image.substr(colon + 1) != "latest" ? "IfNotPresent" : "Always";
}

void default_http_get(core_v1::HTTPGetActionEdit http) {
  if (http.view().path().empty()) http.set_path("/");
  if (http.view().scheme().empty()) http.set_scheme("HTTP");
}

void default_probe(core_v1::ProbeEdit probe) {
  core_v1::Probe view = probe.view();
  if (view.timeout_seconds() == 0) probe.set_timeout_seconds(1);
  if (view.period_seconds() == 0) probe.set_period_seconds(10);
  if (view.success_threshold() == 0) probe.set_success_threshold(1);
  if (view.failure_threshold() == 0) probe.set_failure_threshold(3);
  if (view.has_http_get()) default_http_get(probe.edit_http_get());
  if (view.has_grpc() && !view.grpc().has_service()) probe.edit_grpc().set_service("");
}

void default_lifecycle(core_v1::LifecycleEdit lifecycle) {
  core_v1::Lifecycle view = lifecycle.view();
  if (view.has_post_start() && view.post_start().has_http_get()) {
    default_http_get(lifecycle.edit_post_start().edit_http_get());
  }
  if (view.has_pre_stop() && view.pre_stop().has_http_get()) {
    default_http_get(lifecycle.edit_pre_stop().edit_http_get());
  }
}

template <class E>
void default_field_ref(E source) {
  if (source.view().has_field_ref() && source.view().field_ref().api_version().empty()) {
    source.edit_field_ref().set_api_version("v1");
  }
}

template <class E>
void default_container(E container) {
  auto view = container.view();
  if (view.image_pull_policy().empty()) container.set_image_pull_policy(pull_policy(view.image()));
  if (view.termination_message_path().empty()) {
    container.set_termination_message_path("/dev/termination-log");
  }
  if (view.termination_message_policy().empty()) container.set_termination_message_policy("File");
  if (view.has_ports()) {
    auto ports = container.edit_ports();
    for (size_t i = 0; i < ports.size(); ++i) {
      if (ports[i].view().protocol().empty()) ports[i].set_protocol("TCP");
    }
  }
  if (view.has_env()) {
    auto env = container.edit_env();
    for (size_t i = 0; i < env.size(); ++i) {
      if (env[i].view().has_value_from()) default_field_ref(env[i].edit_value_from());
    }
  }
  if (view.has_liveness_probe()) default_probe(container.edit_liveness_probe());
  if (view.has_readiness_probe()) default_probe(container.edit_readiness_probe());
  if (view.has_startup_probe()) default_probe(container.edit_startup_probe());
  if (view.has_lifecycle()) default_lifecycle(container.edit_lifecycle());
}

template <class L>
void default_downward_items(L items) {
  for (size_t i = 0; i < items.size(); ++i) default_field_ref(items[i]);
}

void default_projected(core_v1::ProjectedVolumeSourceEdit projected) {
  if (!projected.view().has_default_mode()) projected.set_default_mode(kFileMode);
  if (!projected.view().has_sources()) return;
  auto sources = projected.edit_sources();
  for (size_t i = 0; i < sources.size(); ++i) {
    core_v1::VolumeProjection view = sources[i].view();
    if (view.has_service_account_token() &&
        !view.service_account_token().has_expiration_seconds()) {
      sources[i].edit_service_account_token().set_expiration_seconds(kTokenSeconds);
    }
    if (view.has_downward_api() && view.downward_api().has_items()) {
      default_downward_items(sources[i].edit_downward_api().edit_items());
    }
  }
}

// True if the volume has a source (any member besides its name).
bool has_source(core_v1::Volume volume) {
  core_v1::VolumeSource source = volume.volume_source();
  return source.node().size > 0;
}

void default_volume(core_v1::VolumeEdit volume) {
  core_v1::Volume view = volume.view();
  if (!has_source(view)) {
    volume.edit_empty_dir();
    return;
  }
  if (view.has_secret() && !view.secret().has_default_mode()) {
    volume.edit_secret().set_default_mode(kFileMode);
  }
  if (view.has_config_map() && !view.config_map().has_default_mode()) {
    volume.edit_config_map().set_default_mode(kFileMode);
  }
  if (view.has_downward_api()) {
    auto downward = volume.edit_downward_api();
    if (!downward.view().has_default_mode()) downward.set_default_mode(kFileMode);
    if (downward.view().has_items()) default_downward_items(downward.edit_items());
  }
  if (view.has_projected()) default_projected(volume.edit_projected());
  if (view.has_host_path() && !view.host_path().has_type()) volume.edit_host_path().set_type("");
  if (view.has_ephemeral() && view.ephemeral().has_volume_claim_template()) {
    auto spec = volume.edit_ephemeral().edit_volume_claim_template().edit_spec();
    if (!spec.view().has_volume_mode()) spec.set_volume_mode("Filesystem");
  }
}

template <class L>
void default_containers(L containers) {
  for (size_t i = 0; i < containers.size(); ++i) default_container(containers[i]);
}

// A limit without a request is its own request.
template <class L>
void default_requests(L containers) {
  for (size_t i = 0; i < containers.size(); ++i) {
    auto view = containers[i].view();
    if (!view.resources().has_limits()) continue;
    for (auto limit : view.resources().limits()) {
      if (view.resources().requests().contains(limit.key)) continue;
      containers[i].edit_resources().edit_requests().set(limit.key, limit.value);
    }
  }
}

template <class L>
void default_host_ports(L containers) {
  for (size_t i = 0; i < containers.size(); ++i) {
    if (!containers[i].view().has_ports()) continue;
    auto ports = containers[i].edit_ports();
    for (size_t k = 0; k < ports.size(); ++k) {
      if (ports[k].view().host_port() == 0) ports[k].set_host_port(ports[k].view().container_port());
    }
  }
}

void default_service_account(core_v1::PodSpecEdit spec) {
  core_v1::PodSpec view = spec.view();
  std::string name(view.service_account_name().empty() ? view.service_account()
                                                       : view.service_account_name());
  if (name.empty()) return;
  spec.set_service_account_name(name);
  spec.set_service_account(name);
}

}  // namespace

void default_pod_spec(core_v1::PodSpecEdit spec) {
  core_v1::PodSpec view = spec.view();
  if (view.dns_policy().empty()) spec.set_dns_policy("ClusterFirst");
  if (view.restart_policy().empty()) spec.set_restart_policy("Always");
  spec.edit_security_context();
  if (!view.has_termination_grace_period_seconds()) spec.set_termination_grace_period_seconds(30);
  if (view.scheduler_name().empty()) spec.set_scheduler_name("default-scheduler");
  default_service_account(spec);
  if (view.has_init_containers()) default_containers(spec.edit_init_containers());
  if (view.has_containers()) default_containers(spec.edit_containers());
  if (view.has_ephemeral_containers()) default_containers(spec.edit_ephemeral_containers());
  if (!view.has_volumes()) return;
  auto volumes = spec.edit_volumes();
  for (size_t i = 0; i < volumes.size(); ++i) default_volume(volumes[i]);
}

void default_pod_template(core_v1::PodTemplateSpecEdit pod_template) {
  default_pod_spec(pod_template.edit_spec());
}

// What only a pod itself gets, besides the defaults of its spec.
void default_pod(core_v1::PodEdit pod) {
  core_v1::PodSpecEdit spec = pod.edit_spec();
  if (spec.view().has_containers()) default_requests(spec.edit_containers());
  if (spec.view().has_init_containers()) default_requests(spec.edit_init_containers());
  if (!spec.view().has_enable_service_links()) spec.set_enable_service_links(true);
  if (spec.view().host_network()) {
    if (spec.view().has_containers()) default_host_ports(spec.edit_containers());
    if (spec.view().has_init_containers()) default_host_ports(spec.edit_init_containers());
  }
  default_pod_spec(spec);
}

}  // namespace tiphys::apiserver
