// The controllers' own metrics move when what they count happens.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "base/strings.h"
#include "codec/codec.h"
#include "controllers/control_world_test.h"
#include "controllers/slice_counts.h"
#include "kinds/batch_v1.h"
#include "kinds/discovery_v1.h"
#include "kinds/pods.h"

namespace tiphys::controllers {
namespace {

// By series: "name{labels}".
std::map<std::string, double> samples(ControlWorld& world) {
  std::map<std::string, double> result;
  std::istringstream text(world.manager->metrics_text());
  for (std::string line; std::getline(text, line);) {
    size_t space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string::npos) continue;
    result[line.substr(0, space)] = std::strtod(line.c_str() + space, nullptr);
  }
  return result;
}

TEST(ControllerMetrics, each_family_is_told_of_once_with_help_and_type) {
  MetricRegistry registry;
  ControllerMetrics metrics(registry);
  // A family is told of once it has a series.
  metrics.job.sync_duration.with({"NonIndexed", "succeeded", "pods_created"});
  metrics.node.evictions.with({"zone"});
  metrics.cron_job_skew.get();
  metrics.root_ca_syncs.with({"200"});
  metrics.mirroring.sync_duration.get();
  metrics.node_ipam.most.with({"10.42.0.0/16"});
  std::set<std::string> names;
  std::istringstream text(registry.text());
  std::string help_of;
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string hash;
    std::string what;
    std::string name;
    words >> hash >> what >> name;
    if (what == "HELP") {
      EXPECT_TRUE(names.insert(name).second) << name << " stands twice";
      help_of = name;
    } else if (what == "TYPE") {
      EXPECT_EQ(name, help_of);
    }
  }
  for (const char* name :
       {"job_controller_job_sync_duration_seconds", "node_collector_evictions_total",
        "cronjob_controller_job_creation_skew_duration_seconds",
        "root_ca_cert_publisher_sync_total",
        "endpoint_slice_mirroring_controller_endpoints_sync_duration",
        "node_ipam_controller_cirdset_max_cidrs"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_NE(registry.text().find("garbagecollector_controller_resources_sync_error_total 0\n"),
            std::string::npos);
}

ObjectPtr a_job(std::string_view name) {
  Draft draft = batch_v1::Job::make();
  batch_v1::JobEdit job(draft);
  job.edit_metadata().set_name(name);
  job.edit_metadata().set_namespace("default");
  batch_v1::JobSpecEdit spec = job.edit_spec();
  spec.set_parallelism(2);
  spec.set_completions(2);
  spec.set_backoff_limit(6);
  spec.edit_selector().edit_match_labels().set("job", name);
  spec.edit_template().edit_metadata().edit_labels().set("job", name);
  spec.edit_template().edit_spec().set_restart_policy("Never");
  return draft.freeze();
}

// Finishes the pods that run; then takes off their finalizers, which the model API server does not
// do for the controller's patches.
void end_pods(ControlWorld& world, std::string_view phase) {
  std::vector<ObjectPtr> running = world.api.list(pods(), "default");
  std::erase_if(running,
                [](const ObjectPtr& pod) { return kinds::is_finished(core_v1::Pod(*pod)); });
  auto change = [&](auto&& edit) {
    for (const ObjectPtr& known : running) {
      Draft draft(*world.api.get(pods(), "default", name_of(*known)));
      edit(core_v1::PodEdit(draft));
      world.api.put(pods(), draft.freeze());
    }
  };
  change([phase](core_v1::PodEdit pod) { pod.edit_status().set_phase(phase); });
  world.loop.run_for(seconds(5));
  change([](core_v1::PodEdit pod) { pod.edit_metadata().clear_finalizers(); });
}

TEST(ControllerMetrics, jobs) {
  ControlWorld world(1, {"job-controller"});
  world.api.put(jobs(), a_job("a"));
  world.loop.run_for(seconds(5));
  end_pods(world, "Failed");
  world.loop.run_for(minutes(2));
  end_pods(world, "Succeeded");
  world.loop.run_for(seconds(10));
  auto told = samples(world);
  const std::string mode = R"(completion_mode="NonIndexed",result=)";
  const std::string prefix = "job_controller_";
  EXPECT_EQ(told[prefix + "job_pods_finished_total{" + mode + R"("succeeded"})"], 2);
  EXPECT_EQ(told[prefix + "job_pods_finished_total{" + mode + R"("failed"})"], 2);
  EXPECT_EQ(
      told[prefix + "jobs_finished_total{" + mode + R"("succeeded",reason="CompletionsReached"})"],
      1);
  EXPECT_EQ(told[prefix + R"(job_pods_creation_total{reason="new",status="succeeded"})"], 2);
  const std::string again = R"({reason="recreate_terminating_or_failed",status="succeeded"})";
  EXPECT_EQ(told[prefix + "job_pods_creation_total" + again], 2);
  EXPECT_GE(told[prefix + "job_syncs_total{" + mode + R"("success",action="pods_created"})"], 2);
  EXPECT_GE(told[prefix + "job_sync_duration_seconds_count{" + mode +
                 R"("success",action="pods_created"})"],
            2);
  EXPECT_EQ(told[prefix + R"(terminated_pods_tracking_finalizer_total{event="add"})"], 4);
  EXPECT_EQ(told[prefix + R"(terminated_pods_tracking_finalizer_total{event="delete"})"], 4);
}

void put(ControlWorld& world, const schema::Resource& resource, std::string_view yaml) {
  auto draft = codec::decode_object(codec::Format::kYaml, yaml, nullptr, nullptr);
  ASSERT_TRUE(draft) << draft.error().message();
  world.api.put(resource, draft->freeze());
}

void fail_indexes(ControlWorld& world) {
  put(world, jobs(), R"({apiVersion: batch/v1, kind: Job, metadata: {name: a, namespace: default},
      spec: {completionMode: Indexed, completions: 2, parallelism: 2, backoffLimitPerIndex: 1,
             backoffLimit: 2147483647, selector: {matchLabels: {job: a}},
             podFailurePolicy: {rules: [{action: FailIndex, onPodConditions: [
                 {type: DisruptionTarget, status: "True"}]}]},
             template: {metadata: {labels: {job: a}}, spec: {restartPolicy: Never}}}})");
  world.loop.run_for(seconds(5));
  for (const ObjectPtr& pod : world.api.list(pods(), "default")) {
    Draft draft(*pod);
    auto condition = core_v1::PodEdit(draft).edit_status().edit_conditions().append();
    condition.set_type("DisruptionTarget");
    condition.set_status("True");
    world.api.put(pods(), draft.freeze());
  }
  end_pods(world, "Failed");
}

void scale_a_deployment_down(ControlWorld& world) {
  world.make_deployment("web", 3);
  world.loop.run_for(seconds(30));
  world.scale("web", 1);
}

void evict_by_taint(ControlWorld& world) {
  put(world, nodes(), R"({apiVersion: v1, kind: Node, metadata: {name: node-1},
      spec: {taints: [{key: a, effect: NoExecute}]}})");
  put(world, pods(), R"({apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default},
      spec: {nodeName: node-1}})");
}

void finish_a_job_with_ttl(ControlWorld& world) {
  put(world, jobs(), R"({apiVersion: batch/v1, kind: Job, metadata: {name: a, namespace: default},
      spec: {ttlSecondsAfterFinished: 5}, status: {conditions: [
          {type: Complete, status: "True", lastTransitionTime: "2023-11-14T22:13:21Z"}]}})");
}

void lose_a_node(ControlWorld& world) {
  put(world, pods(), R"({apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default},
      spec: {nodeName: gone}})");
}

void ask_for_a_claim(ControlWorld& world) {
  put(world, pods(), R"({apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default},
      spec: {volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {
          accessModes: [ReadWriteOnce]}}}}]}})");
}

void fail_a_claim(ControlWorld& world) {
  world.api.before = [](const client::Request& request) -> std::optional<ApiStatus> {
    bool creates = request.method == "POST" && request.path.ends_with("/persistentvolumeclaims");
    return creates ? std::optional(ApiStatus::internal("no")) : std::nullopt;
  };
  ask_for_a_claim(world);
}

void start_a_cron_job(ControlWorld& world) {
  put(world, cron_jobs(), R"({apiVersion: batch/v1, kind: CronJob,
      metadata: {name: c, namespace: default, creationTimestamp: "2023-11-14T22:13:20Z"},
      spec: {schedule: "* * * * *", concurrencyPolicy: Allow, jobTemplate: {spec: {template: {
          spec: {restartPolicy: Never}}}}}})");
}

void roll_out_a_set(ControlWorld& world) {
  put(world, stateful_sets(), R"({apiVersion: apps/v1, kind: StatefulSet,
      metadata: {name: web, namespace: default},
      spec: {replicas: 4, minReadySeconds: 3600, selector: {matchLabels: {app: web}},
             podManagementPolicy: Parallel,
             updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: "50%"}},
             template: {metadata: {labels: {app: web}}}}})");
}

void autoscale(ControlWorld& world) {
  world.make_deployment("web", 1);
  const schema::Resource& autoscalers =
      *schema::find_resource("autoscaling", "v2", "horizontalpodautoscalers");
  put(world, autoscalers, R"({apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler,
      metadata: {name: h, namespace: default},
      spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1,
             maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {
                 type: Utilization, averageUtilization: 50}}}]}})");
}

void hide_discovery(ControlWorld& world) {
  world.api.before = [](const client::Request& request) -> std::optional<ApiStatus> {
    bool discovery = request.path == "/api" || request.path == "/apis";
    return discovery ? std::optional(ApiStatus::internal("no")) : std::nullopt;
  };
  world.restart();
}

struct Movement {
  std::string controller;
  void (*happens)(ControlWorld& world);
  std::string series;
  double least;  // within a few minutes; nothing had been counted before
};

TEST(ControllerMetrics, families_move_when_what_they_count_happens) {
  const std::string job = "job_controller_";
  const std::string autoscaler = "horizontal_pod_autoscaler_controller_";
  const std::string set = R"({statefulset_namespace="default",statefulset_name="web",)"
                          R"(pod_management_policy="Parallel"})";
  std::vector<Movement> movements = {
      {"job-controller", fail_indexes,
       job + R"(job_finished_indexes_total{status="failed",backoffLimit="perIndex"})", 2},
      {"job-controller", fail_indexes,
       job + R"(pod_failures_handled_by_failure_policy_total{action="FailIndex"})", 2},
      {"replicaset-controller", scale_a_deployment_down,
       "replicaset_controller_sorting_deletion_age_ratio_count", 2},
      {"taint-eviction-controller", evict_by_taint, "taint_eviction_controller_pod_deletions_total",
       1},
      {"taint-eviction-controller", evict_by_taint,
       "taint_eviction_controller_pod_deletion_duration_seconds_count", 1},
      {"ttl-after-finished-controller", finish_a_job_with_ttl,
       "ttl_after_finished_controller_job_deletion_duration_seconds_count", 1},
      {"pod-garbage-collector-controller", lose_a_node,
       R"(pod_gc_collector_force_delete_pods_total{namespace="default",reason="orphaned"})", 1},
      {"ephemeral-volume-controller", ask_for_a_claim, "ephemeral_volume_controller_create_total",
       1},
      {"ephemeral-volume-controller", fail_a_claim,
       "ephemeral_volume_controller_create_failures_total", 1},
      {"cronjob-controller", start_a_cron_job,
       "cronjob_controller_job_creation_skew_duration_seconds_count", 2},
      {"horizontal-pod-autoscaler-controller", autoscale,
       autoscaler + "num_horizontal_pod_autoscalers", 1},
      {"horizontal-pod-autoscaler-controller", autoscale,
       autoscaler + R"(reconciliations_total{action="none",error="internal"})", 2},
      {"horizontal-pod-autoscaler-controller", autoscale,
       autoscaler + R"(reconciliation_duration_seconds_count{action="none",error="internal"})", 2},
      {"statefulset-controller", roll_out_a_set,
       "statefulset_controller_statefulset_max_unavailable" + set, 2},
      {"statefulset-controller", roll_out_a_set,
       "statefulset_controller_statefulset_unavailable_replicas" + set, 4},
      {"garbage-collector-controller", hide_discovery,
       "garbagecollector_controller_resources_sync_error_total", 10},
  };
  for (const Movement& movement : movements) {
    ControlWorld world(1, {"deployment-controller"});
    world.options.controllers = {"deployment-controller", "replicaset-controller",
                                 movement.controller};
    world.restart();
    world.loop.run_for(seconds(30));
    EXPECT_EQ(samples(world)[movement.series], 0) << movement.series;
    movement.happens(world);
    world.loop.run_for(minutes(3));
    EXPECT_GE(samples(world)[movement.series], movement.least) << movement.series;
  }
}

TEST(ControllerMetrics, jobs_of_others) {
  ControlWorld world(1, {"job-controller"});
  Draft draft(*a_job("a"));
  batch_v1::JobEdit(draft).edit_spec().set_managed_by("example.com/queue");
  world.api.put(jobs(), draft.freeze());
  world.loop.run_for(seconds(5));
  EXPECT_EQ(samples(world)["job_controller_jobs_by_external_controller_total{controller_name="
                           "\"example.com/queue\"}"],
            1);
}

TEST(ControllerMetrics, namespaces_nodes_and_ranges) {
  ControlWorld world(1, {"root-ca-certificate-publisher-controller", "node-ipam-controller",
                         "node-lifecycle-controller"});
  auto put_node = [&](std::string_view name, std::string_view ready) {
    Draft draft = core_v1::Node::make();
    core_v1::NodeEdit node(draft);
    node.edit_metadata().set_name(name);
    auto condition = node.edit_status().edit_conditions().append();
    condition.set_type("Ready");
    condition.set_status(ready);
    world.api.put(nodes(), draft.freeze());
  };
  for (std::string name : {"a", "b", "c"}) put_node(name, "True");
  put_node("d", "False");
  world.loop.run_for(seconds(15));
  auto told = samples(world);
  EXPECT_GE(told[R"(root_ca_cert_publisher_sync_total{code="200"})"], 1);
  EXPECT_EQ(told[R"(node_collector_zone_size{zone=""})"], 4);
  EXPECT_EQ(told[R"(node_collector_unhealthy_nodes_in_zone{zone=""})"], 1);
  EXPECT_EQ(told[R"(node_collector_zone_health{zone=""})"], 75);
  EXPECT_EQ(told[R"(node_collector_evictions_total{zone=""})"], 1);
  EXPECT_GE(told["node_collector_update_node_health_duration_seconds_count"], 4);
  const std::string range = R"({clusterCIDR="10.42.0.0/16"})";
  EXPECT_EQ(told["node_ipam_controller_cidrset_cidrs_allocations_total" + range], 4);
  EXPECT_EQ(told["node_ipam_controller_cirdset_max_cidrs" + range], 256);
  EXPECT_EQ(told["node_ipam_controller_cidrset_usage_cidrs" + range], 4.0 / 256);
  const std::string tries = "node_ipam_controller_cidrset_allocation_tries_per_request";
  EXPECT_EQ(told[tries + "_count" + range], 4);
  EXPECT_EQ(told[tries + "_sum" + range], 0) << "each was free at once";
  world.api.remove(nodes(), "", "a");
  world.loop.run_for(seconds(5));
  told = samples(world);
  EXPECT_EQ(told["node_ipam_controller_cidrset_cidrs_releases_total" + range], 1);
  EXPECT_EQ(told[R"(node_collector_zone_size{zone=""})"], 3);
}

ObjectPtr slice(std::string_view name, const std::vector<std::string>& addresses, bool ready) {
  Draft draft = discovery_v1::EndpointSlice::make();
  discovery_v1::EndpointSliceEdit edit(draft);
  edit.edit_metadata().set_name(name);
  edit.set_address_type("IPv4");
  for (const std::string& address : addresses) {
    auto endpoint = edit.edit_endpoints().append();
    endpoint.edit_addresses().append(address);
    endpoint.edit_conditions().set_ready(ready);
  }
  return draft.freeze();
}

TEST(SliceCounts, what_a_round_changes_and_leaves) {
  std::vector<ObjectPtr> before = {slice("a", {"10.0.0.1", "10.0.0.2"}, true),
                                   slice("b", {"10.0.0.3"}, true)};
  SliceCounts still = count_slices(before, {}, 2);
  EXPECT_EQ(still.added + still.updated + still.removed + still.changed_slices, 0u);
  EXPECT_EQ(still.endpoints, 3u);
  EXPECT_EQ(still.slices, 2u);
  EXPECT_EQ(still.desired_slices, 2u);
  std::vector<Action> actions = {
      update_action(endpoint_slices(), slice("a", {"10.0.0.1", "10.0.0.9"}, false)),
      delete_action(endpoint_slices(), before[1])};
  SliceCounts counts = count_slices(before, actions, 2);
  EXPECT_EQ(counts.added, 1u);
  EXPECT_EQ(counts.updated, 1u);
  EXPECT_EQ(counts.removed, 2u);
  EXPECT_EQ(counts.changed_slices, 2u);
  EXPECT_EQ(counts.endpoints, 2u);
  EXPECT_EQ(counts.slices, 1u);
  EXPECT_EQ(counts.desired_slices, 1u);
}

TEST(SliceTotals, gauges_over_all_services) {
  MetricRegistry registry;
  EndpointSliceMetrics metrics(registry);
  SliceTotals totals(metrics);
  SliceCounts one{.added = 3, .endpoints = 3, .slices = 1, .desired_slices = 1};
  totals.put("default/a", one);
  totals.put("default/b", one);
  one.endpoints = 2;
  totals.put("default/b", one);
  EXPECT_EQ(metrics.endpoints.get().value(), 5);
  EXPECT_EQ(metrics.slices.get().value(), 2);
  totals.erase("default/a");
  totals.erase("default/none");
  EXPECT_EQ(metrics.endpoints.get().value(), 2);
  EXPECT_EQ(metrics.desired_slices.get().value(), 1);
}

}  // namespace
}  // namespace tiphys::controllers
