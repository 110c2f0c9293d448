// What must be true at the end of a Story.
#include <set>

#include "controllers/ownership.h"
#include "controllers/resources.h"
#include "kinds/apps_v1.h"
#include "kinds/batch_v1.h"
#include "kinds/discovery_v1.h"
#include "kinds/metadata.h"
#include "kinds/pods.h"
#include "tests/control/story.h"

namespace tiphys::control {
namespace {

using controllers::controller_of;

constexpr Duration kAtRest = std::chrono::minutes(10);
// Reads of controllers that look around from time to time, in kAtRest.
constexpr size_t kRequestsAtRest = 40;

void expect(std::string& wrong, const Object& object, std::string_view what, int64_t is,
            int64_t wanted) {
  if (is == wanted) return;
  wrong += std::string(name_of(object)) + ": " + std::string(what) + " is " + std::to_string(is) +
           ", not " + std::to_string(wanted) + "\n";
}

void expect(std::string& wrong, const Object& object, std::string_view what, bool holds) {
  if (!holds) wrong += std::string(name_of(object)) + ": not " + std::string(what) + "\n";
}

bool is_good(const core_v1::Pod& pod) {
  return kinds::is_ready(pod) && !pod.metadata().has_deletion_timestamp() &&
         !kinds::is_finished(pod);
}

}  // namespace

// Pods that it controls and that are ready.
int64_t Story::good_pods_of(std::string_view uid) {
  int64_t count = 0;
  for (const ObjectPtr& pod : list(controllers::pods())) {
    auto owner = controller_of(*pod);
    if (owner && owner->uid() == uid && is_good(core_v1::Pod(*pod))) ++count;
  }
  return count;
}

void Story::check_rest(std::string& wrong) {
  if (!not_at_rest_.empty()) wrong += not_at_rest_ + "\n";
  size_t writes = cluster_.faults().writes().size();
  size_t requests = cluster_.faults().requests();
  cluster_.pass(kAtRest);
  for (size_t i = writes; i < cluster_.faults().writes().size(); ++i) {
    wrong += "written at rest: " + cluster_.faults().writes()[i] + "\n";
  }
  requests = cluster_.faults().requests() - requests;
  if (requests > kRequestsAtRest) {
    wrong += "requests at rest: " + std::to_string(requests) + "\n";
  }
}

// Nothing is left of what was deleted.
void Story::check_owners(std::string& wrong) {
  std::vector<const schema::Resource*> resources = {&controllers::pods(),
                                                    &controllers::replica_sets(),
                                                    &controllers::deployments(),
                                                    &controllers::stateful_sets(),
                                                    &controllers::daemon_sets(),
                                                    &controllers::jobs(),
                                                    &controllers::replication_controllers(),
                                                    &controllers::endpoint_slices(),
                                                    &controllers::services(),
                                                    &controllers::controller_revisions(),
                                                    &controllers::endpoints()};
  std::set<std::string> uids;
  for (const auto* resource : resources) {
    for (const ObjectPtr& object : list(*resource)) uids.emplace(uid_of(*object));
  }
  for (const auto* resource : resources) {
    for (const ObjectPtr& object : list(*resource)) {
      expect(wrong, *object, "gone", !metadata(*object).has_deletion_timestamp());
      for (meta_v1::OwnerReference owner : metadata(*object).owner_references()) {
        expect(wrong, *object, "collected", uids.contains(std::string(owner.uid())));
      }
    }
  }
}

void Story::check_bystanders(std::string& wrong) {
  std::map<std::string, std::string> now;
  for (const schema::Resource* resource :
       {&controllers::pods(), &controllers::config_maps(), &controllers::services()}) {
    for (const ObjectPtr& object : list(*resource)) {
      now[std::string(resource->resource) + "/" + std::string(name_of(*object))] = uid_of(*object);
    }
  }
  for (const auto& [name, uid] : bystanders_) {
    if (now[name] != uid) wrong += name + ": it was not theirs to delete\n";
  }
}

// A ReplicaSet or a ReplicationController.
template <class Kind>
void Story::check_replicas(const Object& object, std::string& wrong) {
  Kind set(object);
  expect(wrong, object, "ready pods", good_pods_of(uid_of(object)), set.spec().replicas());
  expect(wrong, object, "status.replicas", set.status().replicas(), set.spec().replicas());
  expect(wrong, object, "status.availableReplicas", set.status().available_replicas(),
         set.spec().replicas());
  expect(wrong, object, "observedGeneration", set.status().observed_generation(),
         metadata(object).generation());
  expect(wrong, object, "without conditions", set.status().conditions().empty());
}

void Story::check_deployment(const Object& object, std::string& wrong) {
  apps_v1::Deployment deployment(object);
  int64_t replicas = deployment.spec().replicas();
  constexpr const char* kRevision = "deployment.kubernetes.io/revision";
  std::string_view revision = metadata(object).annotations().find(kRevision);
  int64_t newest = -1;
  int64_t old = 0;
  for (const ObjectPtr& set : list(controllers::replica_sets())) {
    auto owner = controller_of(*set);
    if (!owner || owner->uid() != uid_of(object)) continue;
    int64_t size = apps_v1::ReplicaSet(*set).spec().replicas();
    if (metadata(*set).annotations().find(kRevision) == revision) {
      expect(wrong, object, "without a second newest set", newest == -1);
      newest = size;
    } else {
      ++old;
      expect(wrong, *set, "replicas of an old set", size, 0);
    }
  }
  expect(wrong, object, "replicas of the newest set", newest, replicas);
  expect(wrong, object, "within its history limit",
         old <= deployment.spec().revision_history_limit());
  apps_v1::DeploymentStatus status = deployment.status();
  expect(wrong, object, "status.replicas", status.replicas(), replicas);
  expect(wrong, object, "status.updatedReplicas", status.updated_replicas(), replicas);
  expect(wrong, object, "status.availableReplicas", status.available_replicas(), replicas);
  expect(wrong, object, "observedGeneration", status.observed_generation(),
         metadata(object).generation());
  std::map<std::string, std::string> conditions;
  for (apps_v1::DeploymentCondition condition : status.conditions()) {
    conditions[std::string(condition.type())] = condition.reason();
  }
  std::map<std::string, std::string> good = {{"Available", "MinimumReplicasAvailable"},
                                             {"Progressing", "NewReplicaSetAvailable"}};
  if (conditions == good) return;
  wrong += std::string(name_of(object)) + ": conditions:";
  for (const auto& [type, reason] : conditions) wrong += " " + type + "=" + reason;
  wrong += "\n";
}

void Story::check_stateful_set(const Object& object, std::string& wrong) {
  apps_v1::StatefulSet set(object);
  int64_t replicas = set.spec().replicas();
  expect(wrong, object, "ready pods", good_pods_of(uid_of(object)), replicas);
  expect(wrong, object, "status.replicas", set.status().replicas(), replicas);
  expect(wrong, object, "status.availableReplicas", set.status().available_replicas(), replicas);
  expect(wrong, object, "observedGeneration", set.status().observed_generation(),
         metadata(object).generation());
  if (replicas == 0) return;
  expect(wrong, object, "status.updatedReplicas", set.status().updated_replicas(), replicas);
  expect(wrong, object, "at one revision",
         set.status().current_revision() == set.status().update_revision());
}

void Story::check_daemon_set(const Object& object, std::string& wrong) {
  apps_v1::DaemonSet set(object);
  int64_t nodes = static_cast<int64_t>(list(controllers::nodes()).size());
  std::set<std::string_view> on;
  std::vector<ObjectPtr> pods = list(controllers::pods());
  for (const ObjectPtr& pod : pods) {
    auto owner = controller_of(*pod);
    if (owner && owner->uid() == uid_of(object)) on.insert(core_v1::Pod(*pod).spec().node_name());
  }
  expect(wrong, object, "ready pods", good_pods_of(uid_of(object)), nodes);
  expect(wrong, object, "nodes with pods", static_cast<int64_t>(on.size()), nodes);
  apps_v1::DaemonSetStatus status = set.status();
  expect(wrong, object, "desiredNumberScheduled", status.desired_number_scheduled(), nodes);
  expect(wrong, object, "numberAvailable", status.number_available(), nodes);
  expect(wrong, object, "updatedNumberScheduled", status.updated_number_scheduled(), nodes);
  expect(wrong, object, "numberMisscheduled", status.number_misscheduled(), 0);
  expect(wrong, object, "observedGeneration", status.observed_generation(),
         metadata(object).generation());
  int64_t revisions = 0;
  for (const ObjectPtr& revision : list(controllers::controller_revisions())) {
    auto owner = controller_of(*revision);
    if (owner && owner->uid() == uid_of(object)) ++revisions;
  }
  expect(wrong, object, "within its history limit",
         revisions <= set.spec().revision_history_limit() + 1);
}

void Story::check_job(const Object& object, std::string& wrong) {
  batch_v1::Job job(object);
  expect(wrong, object, "succeeded", job.status().succeeded(), job.spec().completions());
  expect(wrong, object, "active", job.status().active(), 0);
  bool complete = false;
  for (batch_v1::JobCondition condition : job.status().conditions()) {
    complete |= condition.type() == "Complete" && condition.status() == "True";
  }
  expect(wrong, object, "complete", complete);
}

void Story::check_workloads(std::string& wrong) {
  for (const Workload& workload : workloads_) {
    ObjectPtr found;
    for (const ObjectPtr& object : list(*workload.resource)) {
      if (name_of(*object) == workload.name) found = object;
    }
    if (!found != !workload.exists) {
      wrong += workload.name + (found ? ": not deleted\n" : ": deleted\n");
    }
    if (!found) continue;
    if (workload.resource == &controllers::deployments()) {
      expect(wrong, *found, "spec.replicas", apps_v1::Deployment(*found).spec().replicas(),
             workload.replicas);
      check_deployment(*found, wrong);
    }
    if (workload.resource == &controllers::stateful_sets()) check_stateful_set(*found, wrong);
    if (workload.resource == &controllers::daemon_sets()) check_daemon_set(*found, wrong);
    if (workload.resource == &controllers::jobs()) check_job(*found, wrong);
  }
  for (const ObjectPtr& set : list(controllers::replica_sets())) {
    check_replicas<apps_v1::ReplicaSet>(*set, wrong);
  }
  for (const ObjectPtr& set : list(controllers::replication_controllers())) {
    check_replicas<core_v1::ReplicationController>(*set, wrong);
  }
}

// The ready endpoints of the Service are the ready pods that it selects.
void Story::check_endpoints(std::string& wrong) {
  std::set<std::string> pods;
  for (const ObjectPtr& pod : list(controllers::pods())) {
    bool selected = metadata(*pod).labels().find("app") == "w0";
    if (selected && is_good(core_v1::Pod(*pod))) {
      pods.emplace(core_v1::Pod(*pod).status().pod_ip());
    }
  }
  std::set<std::string> endpoints;
  for (const ObjectPtr& slice : list(controllers::endpoint_slices())) {
    if (metadata(*slice).labels().find("kubernetes.io/service-name") != "alone") continue;
    for (discovery_v1::Endpoint endpoint : discovery_v1::EndpointSlice(*slice).endpoints()) {
      if (!endpoint.conditions().ready()) continue;
      for (std::string_view address : endpoint.addresses()) endpoints.emplace(address);
    }
  }
  if (pods != endpoints) {
    wrong += "endpoints: " + std::to_string(endpoints.size()) + " for " +
             std::to_string(pods.size()) + " pods\n";
  }
}

std::string Story::wrong() {
  std::string wrong;
  check_rest(wrong);
  check_owners(wrong);
  check_bystanders(wrong);
  check_workloads(wrong);
  check_endpoints(wrong);
  return wrong;
}

}  // namespace tiphys::control
