#include "apiserver/warnings/object_warnings.h"

#include "apiserver/registry/meta.h"
#include "apiserver/validation/names.h"
#include "base/strings.h"
#include "kinds/apps_v1.h"
#include "kinds/batch_v1.h"
#include "kinds/networking_v1.h"
#include "kinds/node_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kBetaStorageClass = "volume.beta.kubernetes.io/storage-class";
constexpr std::string_view kMountOptions = "volume.beta.kubernetes.io/mount-options";
constexpr std::string_view kUseStorageClass =
    R"(deprecated since v1.8; use "storageClassName" attribute instead)";
constexpr std::string_view kInPodNames =
    "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label "
    "is recommended: ";
constexpr std::string_view kInHostname =
    "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is "
    "recommended: ";

FieldPath annotation_path(std::string_view key) {
  return FieldPath("metadata").child("annotations").key(key);
}

void warn_of_name(const Object& object, std::string_view why, Warnings& warnings) {
  Messages problems = check_name_is_dns1123_label(MetaView(object).name(), false);
  if (problems.empty()) return;
  warn(warnings, FieldPath("metadata").child("name"),
       std::string(why) + "[" + join(problems, " ") + "]");
}

template <class Template>
void warn_of_template(Template pods, const FieldPath& path, Warnings& warnings) {
  warn_of_pod(pods.spec(), pods.metadata(), &path, warnings);
}

void of_pod(const Object& object, const Object* old, Warnings& warnings) {
  if (!old) warn_of_name(object, kInHostname, warnings);
  core_v1::Pod pod(object);
  warn_of_pod(pod.spec(), pod.metadata(), nullptr, warnings);
}

void of_pod_template(const Object& object, const Object*, Warnings& warnings) {
  warn_of_template(core_v1::PodTemplate(object).template_(), FieldPath("template"), warnings);
}

// Updates that leave the spec alone say nothing new.
bool spec_changed(const Object& object, const Object* old) {
  return !old || MetaView(object).generation() != MetaView(*old).generation();
}

template <class Kind>
void of_workload(const Object& object, const Object* old, Warnings& warnings) {
  if (!spec_changed(object, old)) return;
  warn_of_template(Kind(object).spec().template_(), FieldPath("spec").child("template"), warnings);
}

template <class Kind>
void of_named_workload(const Object& object, const Object* old, Warnings& warnings) {
  if (!old) warn_of_name(object, kInPodNames, warnings);
  of_workload<Kind>(object, old, warnings);
}

void of_cron_job(const Object& object, const Object* old, Warnings& warnings) {
  if (!old) warn_of_name(object, kInPodNames, warnings);
  if (!spec_changed(object, old)) return;
  batch_v1::CronJobSpec spec = batch_v1::CronJob(object).spec();
  FieldPath path("spec");
  warn_of_template(spec.job_template().spec().template_(),
                   path.child("jobTemplate").child("spec").child("template"), warnings);
  if (spec.schedule().find("TZ") == std::string_view::npos) return;
  warnings.push_back(
      "CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see "
      "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
}

void warn_of_headless(core_v1::ServiceSpec spec, Warnings& warnings) {
  if (spec.type() != "ClusterIP" || spec.cluster_ip() != "None") return;
  if (!spec.load_balancer_ip().empty()) {
    warnings.emplace_back("spec.loadBalancerIP is ignored for headless services");
  }
  if (!spec.external_ips().empty()) {
    warnings.emplace_back("spec.externalIPs is ignored for headless services");
  }
  if (!spec.session_affinity().empty()) {
    warnings.emplace_back("spec.SessionAffinity is ignored for headless services");
  }
}

void warn_of_service_addresses(core_v1::ServiceSpec spec, Warnings& warnings) {
  FieldPath path("spec");
  size_t i = 0;
  for (std::string_view ip : spec.external_ips()) {
    warn_of_ip(ip, path.child("externalIPs").index(i++), warnings);
  }
  warn_of_ip(spec.load_balancer_ip(), path.child("loadBalancerIP"), warnings);
  i = 0;
  for (std::string_view range : spec.load_balancer_source_ranges()) {
    warn_of_cidr(range, path.child("loadBalancerSourceRanges").index(i++), warnings);
  }
}

void of_service(const Object& object, const Object*, Warnings& warnings) {
  core_v1::Service service(object);
  core_v1::ServiceSpec spec = service.spec();
  if (service.metadata().annotations().contains("service.kubernetes.io/topology-aware-hints")) {
    warnings.emplace_back(
        "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use "
        "service.kubernetes.io/topology-mode instead");
  }
  size_t i = 0;
  for (std::string_view ip : spec.cluster_ips()) {
    FieldPath at = FieldPath("spec").child("clusterIPs").index(i++);
    if (ip != "None") warn_of_ip(ip, at, warnings);
  }
  warn_of_headless(spec, warnings);
  warn_of_service_addresses(spec, warnings);
  bool external = spec.type() == "ExternalName";
  if (external && !spec.external_ips().empty()) {
    warnings.emplace_back("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
  }
  if (!external && !spec.external_name().empty()) {
    warnings.emplace_back("spec.externalName is ignored when spec.type is not \"ExternalName\"");
  }
}

void of_claim(const Object& object, const Object*, Warnings& warnings) {
  core_v1::PersistentVolumeClaim claim(object);
  if (claim.metadata().annotations().contains(kBetaStorageClass)) {
    warn(warnings, annotation_path(kBetaStorageClass), kUseStorageClass);
  }
  warn_of_claim_spec(claim.spec(), FieldPath("spec"), warnings);
}

void of_volume(const Object& object, const Object*, Warnings& warnings) {
  core_v1::PersistentVolume volume(object);
  auto annotations = volume.metadata().annotations();
  FieldPath path("spec");
  if (annotations.contains(kBetaStorageClass)) {
    warn(warnings, annotation_path(kBetaStorageClass), kUseStorageClass);
  }
  if (annotations.contains(kMountOptions)) {
    warn(warnings, annotation_path(kMountOptions),
         R"(deprecated since v1.31; use "mountOptions" attribute instead)");
  }
  if (volume.spec().persistent_volume_reclaim_policy() == "Recycle") {
    warn(warnings, path.child("persistentVolumeReclaimPolicy"),
         "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use "
         "dynamic provisioning.");
  }
  FieldPath terms = path.child("nodeAffinity").child("required").child("nodeSelectorTerms");
  size_t i = 0;
  for (auto term : volume.spec().node_affinity().required().node_selector_terms()) {
    warn_of_node_term(term, false, terms.index(i++), warnings);
  }
}

void of_ingress(const Object& object, const Object* old, Warnings& warnings) {
  networking_v1::Ingress ingress(object);
  bool annotated = ingress.metadata().annotations().contains("kubernetes.io/ingress.class");
  if (old || !annotated) return;
  warnings.emplace_back(
      "annotation \"kubernetes.io/ingress.class\" is deprecated, please use "
      "'spec.ingressClassName' instead");
}

void of_node(const Object& object, const Object*, Warnings& warnings) {
  core_v1::NodeSpec spec = core_v1::Node(object).spec();
  if (spec.has_config_source()) {
    warnings.emplace_back("spec.configSource: the feature is no longer available");
  }
  if (!spec.external_id().empty()) {
    warnings.emplace_back("spec.externalID: this field is deprecated, and is unused by Kubernetes");
  }
  size_t i = 0;
  for (std::string_view range : spec.pod_cidrs()) {
    warn_of_cidr(range, FieldPath("spec").child("podCIDRs").index(i++), warnings);
  }
}

void of_runtime_class(const Object& object, const Object*, Warnings& warnings) {
  for (auto entry : node_v1::RuntimeClass(object).scheduling().node_selector()) {
    std::string_view text = deprecated_node_label(entry.key);
    if (!text.empty()) warn(warnings, FieldPath("scheduling").child("nodeSelector"), text);
  }
}

void of_service_account(const Object& object, const Object* old, Warnings& warnings) {
  constexpr std::string_view kKey = "kubernetes.io/enforce-mountable-secrets";
  core_v1::ServiceAccount account(object);
  if (!account.metadata().annotations().contains(kKey)) return;
  if (old && core_v1::ServiceAccount(*old).metadata().annotations().contains(kKey)) return;
  warn(warnings, annotation_path(kKey),
       "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets");
}

struct Row {
  std::string_view group;
  std::string_view resource;
  void (*warn)(const Object& object, const Object* old, Warnings& warnings);
};

const Row kRows[] = {
    {"", "pods", of_pod},
    {"", "podtemplates", of_pod_template},
    {"", "replicationcontrollers", of_named_workload<core_v1::ReplicationController>},
    {"", "services", of_service},
    {"", "persistentvolumeclaims", of_claim},
    {"", "persistentvolumes", of_volume},
    {"", "nodes", of_node},
    {"", "serviceaccounts", of_service_account},
    {"apps", "deployments", of_named_workload<apps_v1::Deployment>},
    {"apps", "replicasets", of_named_workload<apps_v1::ReplicaSet>},
    {"apps", "daemonsets", of_workload<apps_v1::DaemonSet>},
    {"apps", "statefulsets", of_workload<apps_v1::StatefulSet>},
    {"batch", "jobs", of_named_workload<batch_v1::Job>},
    {"batch", "cronjobs", of_cron_job},
    {"networking.k8s.io", "ingresses", of_ingress},
    {"node.k8s.io", "runtimeclasses", of_runtime_class},
};

}  // namespace

void warn_of_object(const schema::Resource& resource, const Object& object, const Object* old,
                    Warnings& warnings) {
  for (const Row& row : kRows) {
    if (row.resource == resource.resource && row.group == resource.group) {
      return row.warn(object, old, warnings);
    }
  }
}

}  // namespace tiphys::apiserver
