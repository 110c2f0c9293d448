// Printers of ReplicationControllers, apps, batch, autoscaling and policy workloads.
#include "apiserver/table/printers.h"
#include "base/strings.h"
#include "base/time_math.h"
#include "kinds/apps_v1.h"
#include "kinds/autoscaling_v1.h"
#include "kinds/autoscaling_v2.h"
#include "kinds/batch_v1.h"
#include "kinds/core_v1.h"
#include "kinds/policy_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr Column kDeployment[] = {kNameColumn,
                                  {"Ready"},
                                  {"Up-to-date"},
                                  {"Available"},
                                  kAgeColumn,
                                  {"Containers", "string", 1},
                                  {"Images", "string", 1},
                                  {"Selector", "string", 1}};

std::string ratio(int64_t have, int64_t want) {
  return std::to_string(have) + "/" + std::to_string(want);
}

void print_deployment(const Object& object, MicroTime now, Cells& cells) {
  apps_v1::Deployment item(object);
  cells.text(item.metadata().name());
  cells.text(ratio(item.status().ready_replicas(), item.spec().replicas()));
  cells.number(item.status().updated_replicas());
  cells.number(item.status().available_replicas());
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(container_names(item.spec().template_().spec()));
  cells.text(container_images(item.spec().template_().spec()));
  cells.text(format_selector(item.spec().selector()));
}

constexpr Column kReplicaSet[] = {
    kNameColumn, {"Desired", "integer"},      {"Current", "integer"},  {"Ready", "integer"},
    kAgeColumn,  {"Containers", "string", 1}, {"Images", "string", 1}, {"Selector", "string", 1}};

std::string selector_text(apps_v1::ReplicaSetSpec spec) { return format_selector(spec.selector()); }
std::string selector_text(core_v1::ReplicationControllerSpec spec) {
  return format_labels(spec.selector());
}

// ReplicaSets and ReplicationControllers: they differ in their selectors only.
template <class T>
void print_replica_set(const Object& object, MicroTime now, Cells& cells) {
  T item(object);
  cells.text(item.metadata().name());
  cells.number(item.spec().replicas());
  cells.number(item.status().replicas());
  cells.number(item.status().ready_replicas());
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(container_names(item.spec().template_().spec()));
  cells.text(container_images(item.spec().template_().spec()));
  cells.text(selector_text(item.spec()));
}

constexpr Column kDaemonSet[] = {kNameColumn,
                                 {"Desired", "integer"},
                                 {"Current", "integer"},
                                 {"Ready", "integer"},
                                 {"Up-to-date", "integer"},
                                 {"Available", "integer"},
                                 {"Node Selector"},
                                 kAgeColumn,
                                 {"Containers", "string", 1},
                                 {"Images", "string", 1},
                                 {"Selector", "string", 1}};

void print_daemon_set(const Object& object, MicroTime now, Cells& cells) {
  apps_v1::DaemonSet item(object);
  cells.text(item.metadata().name());
  cells.number(item.status().desired_number_scheduled());
  cells.number(item.status().current_number_scheduled());
  cells.number(item.status().number_ready());
  cells.number(item.status().updated_number_scheduled());
  cells.number(item.status().number_available());
  cells.text(format_labels(item.spec().template_().spec().node_selector()));
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(container_names(item.spec().template_().spec()));
  cells.text(container_images(item.spec().template_().spec()));
  cells.text(format_selector(item.spec().selector()));
}

constexpr Column kStatefulSet[] = {
    kNameColumn, {"Ready"}, kAgeColumn, {"Containers", "string", 1}, {"Images", "string", 1}};

void print_stateful_set(const Object& object, MicroTime now, Cells& cells) {
  apps_v1::StatefulSet item(object);
  cells.text(item.metadata().name());
  cells.text(ratio(item.status().ready_replicas(), item.spec().replicas()));
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(container_names(item.spec().template_().spec()));
  cells.text(container_images(item.spec().template_().spec()));
}

constexpr Column kRevision[] = {kNameColumn, {"Controller"}, {"Revision"}, kAgeColumn};

// "deployment.apps/web" of the controlling owner.
std::string controller_of(meta_v1::ObjectMeta metadata) {
  for (meta_v1::OwnerReference owner : metadata.owner_references()) {
    if (!owner.controller()) continue;
    std::string text = to_lower(owner.kind());
    std::string_view version = owner.api_version();
    if (version.find('/') != std::string_view::npos) {
      text += "." + std::string(version.substr(0, version.find('/')));
    }
    return text + "/" + std::string(owner.name());
  }
  return "<none>";
}

void print_revision(const Object& object, MicroTime now, Cells& cells) {
  apps_v1::ControllerRevision item(object);
  cells.text(item.metadata().name());
  cells.text(controller_of(item.metadata()));
  cells.number(item.revision());
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kJob[] = {kNameColumn,
                           {"Status"},
                           {"Completions"},
                           {"Duration"},
                           kAgeColumn,
                           {"Containers", "string", 1},
                           {"Images", "string", 1},
                           {"Selector", "string", 1}};

std::string job_status(batch_v1::Job job) {
  auto has = [&job](std::string_view type) {
    for (batch_v1::JobCondition condition : job.status().conditions()) {
      if (condition.type() == type) return condition.status() == "True";
    }
    return false;
  };
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (job.metadata().has_deletion_timestamp()) return "Terminating";
  if (has("Suspended")) return "Suspended";
  if (has("FailureTarget")) return "FailureTarget";
  if (has("SuccessCriteriaMet")) return "SuccessCriteriaMet";
  return "Running";
}

std::string job_completions(batch_v1::Job job) {
  std::string done = std::to_string(job.status().succeeded());
  if (job.spec().has_completions()) return done + "/" + std::to_string(job.spec().completions());
  int64_t parallelism = job.spec().parallelism();
  if (parallelism > 1) return done + "/1 of " + std::to_string(parallelism);
  return done + "/1";
}

void print_job(const Object& object, MicroTime now, Cells& cells) {
  batch_v1::Job item(object);
  MicroTime started = item.status().start_time();
  MicroTime ended = item.status().completion_time();
  cells.text(item.metadata().name());
  cells.text(job_status(item));
  cells.text(job_completions(item));
  cells.text(started == 0 ? "" : human_duration(time_between(started, ended == 0 ? now : ended)));
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(container_names(item.spec().template_().spec()));
  cells.text(container_images(item.spec().template_().spec()));
  cells.text(format_selector(item.spec().selector()));
}

constexpr Column kCronJob[] = {kNameColumn,
                               {"Schedule"},
                               {"Timezone"},
                               {"Suspend", "boolean"},
                               {"Active", "integer"},
                               {"Last Schedule"},
                               kAgeColumn,
                               {"Containers", "string", 1},
                               {"Images", "string", 1},
                               {"Selector", "string", 1}};

void print_cron_job(const Object& object, MicroTime now, Cells& cells) {
  batch_v1::CronJob item(object);
  batch_v1::JobSpec job = item.spec().job_template().spec();
  MicroTime last = item.status().last_schedule_time();
  cells.text(item.metadata().name());
  cells.text(item.spec().schedule());
  cells.text(or_none(item.spec().time_zone()));
  cells.text(!item.spec().has_suspend() ? "<unset>" : item.spec().suspend() ? "True" : "False");
  cells.number(static_cast<int64_t>(item.status().active().size()));
  cells.text(last == 0 ? "<none>" : human_duration(time_between(last, now)));
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(container_names(job.template_().spec()));
  cells.text(container_images(job.template_().spec()));
  cells.text(format_selector(job.selector()));
}

constexpr Column kAutoscaler[] = {kNameColumn, {"Reference"}, {"Targets"}, {"MinPods"},
                                  {"MaxPods"}, {"Replicas"},  kAgeColumn};

std::string or_unknown(std::string_view text) {
  return std::string(text.empty() ? "<unknown>" : text);
}

// "current/target" of amounts.
std::string amount_metric(autoscaling_v2::MetricTarget target,
                          autoscaling_v2::MetricValueStatus current) {
  if (target.average_value().empty()) {
    return or_unknown(current.value()) + "/" + std::string(target.value());
  }
  return or_unknown(current.average_value()) + "/" + std::string(target.average_value()) + " (avg)";
}

// "name: current/target" of a resource, as amount or percentage.
std::string resource_metric(std::string_view name, autoscaling_v2::MetricTarget target,
                            autoscaling_v2::MetricValueStatus current) {
  std::string text = std::string(name) + ": ";
  if (!target.average_value().empty()) {
    return text + or_unknown(current.average_value()) + "/" + std::string(target.average_value());
  }
  text += current.has_average_utilization() ? std::to_string(current.average_utilization()) + "%"
                                            : "<unknown>";
  return text + "/" +
         (target.has_average_utilization() ? std::to_string(target.average_utilization()) + "%"
                                           : "<auto>");
}

std::string format_metric(autoscaling_v2::MetricSpec spec, autoscaling_v2::MetricStatus status) {
  if (spec.type() == "Resource") {
    return resource_metric(spec.resource().name(), spec.resource().target(),
                           status.resource().current());
  }
  if (spec.type() == "ContainerResource") {
    return resource_metric(spec.container_resource().name(), spec.container_resource().target(),
                           status.container_resource().current());
  }
  if (spec.type() == "Pods") {
    return or_unknown(status.pods().current().average_value()) + "/" +
           std::string(spec.pods().target().average_value());
  }
  if (spec.type() == "Object") {
    return amount_metric(spec.object().target(), status.object().current());
  }
  if (spec.type() == "External") {
    return amount_metric(spec.external().target(), status.external().current());
  }
  return "<unknown type>";
}

// The first two, then how many more.
std::string format_metrics(autoscaling_v2::HorizontalPodAutoscaler item) {
  constexpr size_t kMost = 2;
  size_t count = item.spec().metrics().size();
  std::vector<std::string> metrics;
  for (size_t i = 0; i < std::min(count, kMost); ++i) {
    autoscaling_v2::MetricStatus status;
    if (i < item.status().current_metrics().size()) status = item.status().current_metrics()[i];
    metrics.push_back(format_metric(item.spec().metrics()[i], status));
  }
  std::string text = or_none(join(metrics, ", "));
  if (count > kMost) text += " + " + std::to_string(count - kMost) + " more...";
  return text;
}

void print_autoscaler(const Object& object, MicroTime now, Cells& cells) {
  autoscaling_v2::HorizontalPodAutoscaler item(object);
  auto reference = item.spec().scale_target_ref();
  cells.text(item.metadata().name());
  cells.text(std::string(reference.kind()) + "/" + std::string(reference.name()));
  cells.text(format_metrics(item));
  cells.text(item.spec().has_min_replicas() ? std::to_string(item.spec().min_replicas())
                                            : "<unset>");
  cells.number(item.spec().max_replicas());
  cells.number(item.status().current_replicas());
  cells.age(item.metadata().creation_timestamp(), now);
}

void print_old_autoscaler(const Object& object, MicroTime now, Cells& cells) {
  autoscaling_v1::HorizontalPodAutoscaler item(object);
  std::string targets = "<none>";
  if (item.spec().has_target_cpu_utilization_percentage()) {
    targets = item.status().has_current_cpu_utilization_percentage()
                  ? std::to_string(item.status().current_cpu_utilization_percentage()) + "%"
                  : "<unknown>";
    targets = "cpu: " + targets + "/" +
              std::to_string(item.spec().target_cpu_utilization_percentage()) + "%";
  }
  auto reference = item.spec().scale_target_ref();
  cells.text(item.metadata().name());
  cells.text(std::string(reference.kind()) + "/" + std::string(reference.name()));
  cells.text(targets);
  cells.text(item.spec().has_min_replicas() ? std::to_string(item.spec().min_replicas())
                                            : "<unset>");
  cells.number(item.spec().max_replicas());
  cells.number(item.status().current_replicas());
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kBudget[] = {kNameColumn,
                              {"Min Available"},
                              {"Max Unavailable"},
                              {"Allowed Disruptions", "integer"},
                              kAgeColumn};

std::string int_or_text(bool present, const Value& value) {
  if (!present) return "N/A";
  if (value.type == ValueType::kString) return std::string(value.as_text());
  return std::to_string(value.as_int());
}

void print_budget(const Object& object, MicroTime now, Cells& cells) {
  policy_v1::PodDisruptionBudget item(object);
  cells.text(item.metadata().name());
  cells.text(int_or_text(item.spec().has_min_available(), item.spec().min_available()));
  cells.text(int_or_text(item.spec().has_max_unavailable(), item.spec().max_unavailable()));
  cells.number(item.status().disruptions_allowed());
  cells.age(item.metadata().creation_timestamp(), now);
}

}  // namespace

std::span<const PrinterRow> workload_printers() {
  static const PrinterRow kRows[] = {
      {&apps_v1::Deployment::message(), {kDeployment, print_deployment}},
      {&apps_v1::ReplicaSet::message(), {kReplicaSet, print_replica_set<apps_v1::ReplicaSet>}},
      {&core_v1::ReplicationController::message(),
       {kReplicaSet, print_replica_set<core_v1::ReplicationController>}},
      {&apps_v1::DaemonSet::message(), {kDaemonSet, print_daemon_set}},
      {&apps_v1::StatefulSet::message(), {kStatefulSet, print_stateful_set}},
      {&apps_v1::ControllerRevision::message(), {kRevision, print_revision}},
      {&batch_v1::Job::message(), {kJob, print_job}},
      {&batch_v1::CronJob::message(), {kCronJob, print_cron_job}},
      {&autoscaling_v2::HorizontalPodAutoscaler::message(), {kAutoscaler, print_autoscaler}},
      {&autoscaling_v1::HorizontalPodAutoscaler::message(), {kAutoscaler, print_old_autoscaler}},
      {&policy_v1::PodDisruptionBudget::message(), {kBudget, print_budget}},
  };
  return kRows;
}

}  // namespace tiphys::apiserver
