#include "apiserver/warnings/object_warnings.h"

#include "apiserver/registry/meta.h"
#include "apiserver/validation/names.h"
#include "apiserver/warnings/kinds.h"
#include "base/strings.h"
#include "kinds/apps_v1.h"
#include "kinds/batch_v1.h"
#include "kinds/node_v1.h"
#include "kinds/resource_v1.h"

namespace tiphys::apiserver {
namespace {

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

void of_stateful_set(const Object& object, const Object* old, Warnings& warnings) {
  of_workload<apps_v1::StatefulSet>(object, old, warnings);
  apps_v1::StatefulSetSpec spec = apps_v1::StatefulSet(object).spec();
  FieldPath claims = FieldPath("spec").child("volumeClaimTemplates");
  size_t i = 0;
  for (core_v1::PersistentVolumeClaim claim : spec.volume_claim_templates()) {
    FieldPath at = claims.index(i++);
    // Upstream's paths of the two differ.
    warn_of_claim_spec(claim.spec(), old ? at.child("Spec") : at, warnings);
  }
  if (spec.revision_history_limit() >= 0) return;
  warn(warnings, FieldPath("spec").child("revisionHistoryLimit"),
       "a negative value retains all historical revisions; a value >= 0 is recommended");
}

void warn_of_job_spec(batch_v1::JobSpec spec, const FieldPath& path, Warnings& warnings) {
  constexpr int32_t kManyCompletions = 100'000;
  constexpr int32_t kManyAtOnce = 10'000;
  if (spec.completion_mode() == "Indexed" && spec.completions() > kManyCompletions &&
      spec.parallelism() > kManyAtOnce) {
    warn(warnings, path,
         "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher "
         "than 10^4, Kubernetes might not be able to track completedIndexes when a big number of "
         "indexes fail");
  }
  warn_of_template(spec.template_(), path.child("template"), warnings);
}

void of_job(const Object& object, const Object* old, Warnings& warnings) {
  if (!old) warn_of_name(object, kInPodNames, warnings);
  if (!spec_changed(object, old)) return;
  warn_of_job_spec(batch_v1::Job(object).spec(), FieldPath("spec"), warnings);
}

template <class Kind>
void of_named_workload(const Object& object, const Object* old, Warnings& warnings) {
  if (!old) warn_of_name(object, kInPodNames, warnings);
  of_workload<Kind>(object, old, warnings);
}

void of_cron_job(const Object& object, const Object* old, Warnings& warnings) {
  if (!old) warn_of_name(object, kInPodNames, warnings);
  batch_v1::CronJobSpec spec = batch_v1::CronJob(object).spec();
  if (spec_changed(object, old)) {
    FieldPath path = FieldPath("spec").child("jobTemplate").child("spec");
    warn_of_job_spec(spec.job_template().spec(), path, warnings);
  }
  if (!old || spec.schedule().find("TZ") == std::string_view::npos) return;
  warnings.push_back(
      "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
      "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
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

void warn_of_pod_addresses(const Object& object, Warnings& warnings) {
  core_v1::PodStatus status = core_v1::Pod(object).status();
  FieldPath path("status");
  size_t i = 0;
  for (core_v1::PodIP ip : status.pod_ips()) {
    warn_of_ip(ip.ip(), path.child("podIPs").index(i++).child("ip"), warnings);
  }
  i = 0;
  for (core_v1::HostIP ip : status.host_ips()) {
    warn_of_ip(ip.ip(), path.child("hostIPs").index(i++).child("ip"), warnings);
  }
}

void of_resource_slice(const Object& object, const Object*, Warnings& warnings) {
  std::string_view driver = resource_v1::ResourceSlice(object).spec().driver();
  if (to_lower(driver) == driver) return;
  warn(warnings, FieldPath("spec").child("driver"),
       "driver names should be lowercase; " + go_quote(driver) + " contains uppercase characters");
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
    {"", "services", warn_of_service},
    {"", "endpoints", warn_of_endpoints},
    {"", "secrets", warn_of_secret},
    {"", "persistentvolumeclaims", warn_of_claim},
    {"", "persistentvolumes", warn_of_persistent_volume},
    {"", "nodes", of_node},
    {"", "serviceaccounts", of_service_account},
    {"apps", "deployments", of_named_workload<apps_v1::Deployment>},
    {"apps", "replicasets", of_named_workload<apps_v1::ReplicaSet>},
    {"apps", "daemonsets", of_workload<apps_v1::DaemonSet>},
    {"apps", "statefulsets", of_stateful_set},
    {"batch", "jobs", of_job},
    {"batch", "cronjobs", of_cron_job},
    {"discovery.k8s.io", "endpointslices", warn_of_endpoint_slice},
    {"networking.k8s.io", "ingresses", warn_of_ingress},
    {"networking.k8s.io", "networkpolicies", warn_of_network_policy},
    {"node.k8s.io", "runtimeclasses", of_runtime_class},
    {"resource.k8s.io", "resourceslices", of_resource_slice},
    {"storage.k8s.io", "csidrivers", warn_of_csi_driver},
    {"storage.k8s.io", "storageclasses", warn_of_storage_class},
    {"storage.k8s.io", "csistoragecapacities", warn_of_storage_capacity},
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

void warn_of_status(const schema::Resource& resource, const Object& object, Warnings& warnings) {
  if (!resource.group.empty()) return;
  if (resource.resource == "services") warn_of_service_status(object, warnings);
  if (resource.resource == "pods") warn_of_pod_addresses(object, warnings);
}

}  // namespace tiphys::apiserver
