#include "controllers/replica_calculator.h"

#include <gtest/gtest.h>

#include "kinds/metadata.h"

namespace tiphys::controllers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr MicroTime kNow = 1'700'000'000 * kMicrosPerSecond;

MicroTime ago(Duration span) {
  return kNow - std::chrono::duration_cast<std::chrono::microseconds>(span).count();
}

struct PodText {
  std::string phase = "Running";
  std::string ready = "True";
  Duration started = std::chrono::hours(1);  // ago
  Duration turned = minutes(59);             // ago: readiness
  std::string cpu = "1000m";                 // requested; "": nothing
  bool deleted = false;
};

ObjectPtr make_pod(int number, const PodText& text) {
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod(draft);
  pod.edit_metadata().set_name("pod-" + std::to_string(number));
  if (text.deleted) pod.edit_metadata().set_deletion_timestamp(kNow);
  auto container = pod.edit_spec().edit_containers().append();
  container.set_name("c");
  if (!text.cpu.empty()) container.edit_resources().edit_requests().set("cpu", text.cpu);
  pod.edit_status().set_phase(text.phase);
  pod.edit_status().set_start_time(ago(text.started));
  auto ready = pod.edit_status().edit_conditions().append();
  ready.set_type("Ready");
  ready.set_status(text.ready);
  ready.set_last_transition_time(ago(text.turned));
  return draft.freeze();
}

// -1: no sample of that pod.
PodMetrics make_metrics(const std::vector<int64_t>& values) {
  PodMetrics metrics;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) continue;
    metrics["pod-" + std::to_string(i)] = {ago(seconds(5)), seconds(30), values[i]};
  }
  return metrics;
}

ScaledPods make_scaled(const std::vector<PodText>& pods) {
  ScaledPods scaled;
  scaled.now = kNow;
  scaled.replicas = static_cast<int32_t>(pods.size());
  for (size_t i = 0; i < pods.size(); ++i) {
    scaled.pods.push_back(make_pod(static_cast<int>(i), pods[i]));
  }
  return scaled;
}

const PodText kReady;
const PodText kPending{.phase = "Pending", .ready = "False"};
const PodText kFailed{.phase = "Failed", .ready = "False"};
const PodText kDeleted{.deleted = true};
// Started a minute ago and not ready since: still in its initialisation.
const PodText kStarting{.ready = "False", .started = minutes(1), .turned = minutes(1)};
// Never ready since its start an hour ago.
const PodText kNeverReady{.ready = "False", .turned = std::chrono::hours(1)};
// Was ready, and is no more.
const PodText kLost{.ready = "False", .turned = minutes(10)};
// Ready since ten seconds: less than the sample's window.
const PodText kJustReady{.started = minutes(1), .turned = seconds(10)};

struct UtilizationCase {
  const char* what;
  std::vector<PodText> pods;
  std::vector<int64_t> usage;
  int32_t target;
  int32_t replicas;
  int32_t utilization;
  std::string error;
};

const UtilizationCase kUtilization[] = {
    {"up", {kReady, kReady, kReady}, {300, 500, 700}, 30, 5, 50, ""},
    {"down", {kReady, kReady, kReady, kReady, kReady}, {100, 300, 500, 250, 250}, 50, 3, 28, ""},
    {"within the tolerance", {kReady, kReady, kReady}, {1010, 1030, 1020}, 100, 3, 102, ""},
    {"just at the tolerance", {kReady, kReady}, {550, 550}, 50, 2, 55, ""},
    {"just over it", {kReady, kReady}, {560, 560}, 50, 3, 56, ""},
    {"a missing sample counts as nothing on the way up",
     {kReady, kReady, kReady, kReady},
     {1000, 1000, 1000, -1},
     30,
     10,
     100,
     ""},
    {"and keeps the direction", {kReady, kReady}, {1000, -1}, 60, 2, 100, ""},
    {"and as all on the way down",
     {kReady, kReady, kReady, kReady},
     {100, 300, 500, -1},
     50,
     4,
     30,
     ""},
    {"or the target, if that is higher", {kReady, kReady}, {1000, -1}, 300, 2, 100, ""},
    {"pods that start count as nothing on the way up",
     {kReady, kReady, kStarting},
     {500, 700, 300},
     30,
     4,
     60,
     ""},
    {"and are left out on the way down", {kReady, kStarting}, {100, 900}, 50, 1, 10, ""},
    {"pending ones too", {kReady, kReady, kPending}, {500, 700, 300}, 30, 4, 60, ""},
    {"failed ones are nothing", {kReady, kReady, kFailed}, {500, 700, 300}, 30, 4, 60, ""},
    {"nor are those that go", {kReady, kReady, kDeleted}, {500, 700, 300}, 30, 4, 60, ""},
    {"never ready", {kReady, kNeverReady}, {600, 900}, 30, 2, 60, ""},
    {"no more ready", {kReady, kLost}, {600, 900}, 30, 5, 75, ""},
    {"a sample from before it was ready", {kReady, kJustReady}, {600, 900}, 30, 2, 60, ""},
    {"none", {}, {}, 50, 0, 0, "no pods returned by selector while calculating replica count"},
    {"no samples",
     {kReady},
     {-1},
     50,
     0,
     0,
     "did not receive metrics for targeted pods (pods might be unready)"},
    {"none that count",
     {kPending},
     {100},
     50,
     0,
     0,
     "did not receive metrics for targeted pods (pods might be unready)"},
    {"no request",
     {PodText{.cpu = ""}},
     {100},
     50,
     0,
     0,
     "missing request for cpu in container c of Pod pod-0"},
    {"requests of nothing",
     {PodText{.cpu = "0"}},
     {100},
     50,
     0,
     0,
     "no metrics returned matched known pods"},
    {"more than fits", {kReady}, {INT64_MAX}, 1, INT32_MAX, INT32_MAX, ""},
};

TEST(ReplicaCalculator, follows_a_utilization) {
  for (const UtilizationCase& one : kUtilization) {
    auto found =
        utilization_proposal(make_scaled(one.pods), make_metrics(one.usage), one.target, "cpu", "");
    EXPECT_EQ(found ? "" : found.error().message(), one.error) << one.what;
    if (!found) continue;
    EXPECT_EQ(found->replicas, one.replicas) << one.what;
    EXPECT_EQ(found->utilization, one.utilization) << one.what;
  }
}

struct AverageCase {
  const char* what;
  std::vector<PodText> pods;
  std::vector<int64_t> usage;
  int64_t target;
  int32_t replicas;
  int64_t average;
};

const AverageCase kAverages[] = {
    {"up", {kReady, kReady, kReady}, {20000, 10000, 30000}, 15000, 4, 20000},
    {"down",
     {kReady, kReady, kReady, kReady, kReady},
     {12000, 12000, 12000, 12000, 12000},
     20000,
     3,
     12000},
    {"readiness says nothing of them",
     {kReady, kLost, kStarting},
     {50000, 15000, 30000},
     15000,
     7,
     31666},
    {"pending ones do", {kReady, kReady, kPending}, {50000, 15000, -1}, 15000, 5, 32500},
    {"missing on the way down", {kReady, kReady}, {10000, -1}, 20000, 2, 10000},
    {"missing on the way up", {kReady, kReady, kReady}, {50000, 50000, -1}, 15000, 7, 50000},
};

TEST(ReplicaCalculator, follows_an_average) {
  for (const AverageCase& one : kAverages) {
    auto found = average_proposal(make_scaled(one.pods), make_metrics(one.usage), one.target, "");
    ASSERT_TRUE(found) << one.what << ": " << found.error().message();
    EXPECT_EQ(found->replicas, one.replicas) << one.what;
    EXPECT_EQ(found->usage, one.average) << one.what;
  }
}

TEST(ReplicaCalculator, follows_one_value) {
  ScaledPods three = make_scaled({kReady, kReady, kReady});
  EXPECT_EQ(value_proposal(three, 20000, 15000)->replicas, 4);
  EXPECT_EQ(value_proposal(three, 15000, 15000)->replicas, 3);
  // What is not ready does not share the load.
  EXPECT_EQ(value_proposal(make_scaled({kReady, kReady, kStarting}), 20000, 10000)->replicas, 4);
  EXPECT_EQ(value_proposal(three, INT64_MAX, 1)->replicas, INT32_MAX);
  ScaledPods none = make_scaled({});
  EXPECT_EQ(value_proposal(none, 20000, 15000)->replicas, 2);
  EXPECT_EQ(value_proposal(none, 0, 15000)->replicas, 0);
  none.replicas = 2;
  EXPECT_EQ(value_proposal(none, 20000, 10000).error().message(),
            "unable to calculate ready pods: no pods returned by selector while calculating "
            "replica count");
}

TEST(ReplicaCalculator, shares_a_value_among_replicas) {
  Proposal up = per_pod_proposal(3, 8600, 2000, {});
  EXPECT_EQ(up.replicas, 5);
  EXPECT_EQ(up.usage, 2867);
  EXPECT_EQ(per_pod_proposal(4, 8600, 2150, {}).replicas, 4);
  EXPECT_EQ(per_pod_proposal(0, 8600, 2000, {}).replicas, 5);
  EXPECT_EQ(per_pod_proposal(0, 0, 2000, {}).replicas, 0);
  EXPECT_EQ(per_pod_proposal(1, INT64_MAX, 1, {}).replicas, INT32_MAX);
  EXPECT_EQ(saturated_sum({INT64_MAX, 1}), INT64_MAX);
}

TEST(ReplicaCalculator, tolerances_differ_by_direction) {
  ScaledPods scaled = make_scaled({kReady, kReady});
  scaled.tolerances = {.down = 0.5, .up = 0};
  EXPECT_EQ(utilization_proposal(scaled, make_metrics({510, 510}), 50, "cpu", "")->replicas, 3);
  EXPECT_EQ(utilization_proposal(scaled, make_metrics({250, 250}), 50, "cpu", "")->replicas, 2);
  EXPECT_EQ(utilization_proposal(scaled, make_metrics({240, 240}), 50, "cpu", "")->replicas, 1);
}

// A pod of containers a (100m) and b (300m), and sidecar s (100m).
ScaledPods two_containers(std::string_view pod_level) {
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod(draft);
  pod.edit_metadata().set_name("pod-0");
  auto add = [](core_v1::ContainerEdit container, std::string_view name, std::string_view cpu) {
    container.set_name(name);
    container.edit_resources().edit_requests().set("cpu", cpu);
  };
  add(pod.edit_spec().edit_containers().append(), "a", "100m");
  add(pod.edit_spec().edit_containers().append(), "b", "300m");
  auto sidecar = pod.edit_spec().edit_init_containers().append();
  add(sidecar, "s", "100m");
  sidecar.set_restart_policy("Always");
  add(pod.edit_spec().edit_init_containers().append(), "init", "2");
  if (!pod_level.empty()) pod.edit_spec().edit_resources().edit_requests().set(pod_level, "1");
  pod.edit_status().set_phase("Running");
  ScaledPods scaled;
  scaled.replicas = 1;
  scaled.pods.push_back(draft.freeze());
  return scaled;
}

TEST(ReplicaCalculator, counts_requests_of_a_container_of_sidecars_and_of_pods) {
  auto percent = [](std::string_view pod_level, std::string_view container) {
    ScaledPods scaled = two_containers(pod_level);
    // Not of the CPU as such: samples of starting pods would not count.
    scaled.now = kNow;
    Draft pod(*scaled.pods[0]);
    auto ready = core_v1::PodEdit(pod).edit_status().edit_conditions().append();
    ready.set_type("Ready");
    ready.set_status("True");
    core_v1::PodEdit(pod).edit_status().set_start_time(ago(std::chrono::hours(1)));
    scaled.pods[0] = pod.freeze();
    return utilization_proposal(scaled, make_metrics({250}), 50, "cpu", container);
  };
  EXPECT_EQ(percent("", "")->utilization, 50);
  EXPECT_EQ(percent("", "a")->utilization, 250);
  EXPECT_EQ(percent("", "s")->utilization, 250);
  EXPECT_EQ(percent("cpu", "a")->utilization, 250);
  EXPECT_EQ(percent("", "x").error().message(), "container x not found in Pod pod-0");
  EXPECT_EQ(percent("", "init").error().message(), "container init not found in Pod pod-0");
}

}  // namespace
}  // namespace tiphys::controllers
